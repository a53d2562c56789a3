# What is asked of Snakemake in ways that its documentation does not name: here and nowhere else, each with its reason.
# The tests run on the version that the Snakefile asks for.

# Every job of a cluster reads the Snakefile in a process of its own, which must not greet, check or tidy up again.
# No documented name tells it from the process that the user has started.
IS_MAIN_PROCESS = workflow.is_main_process

# A study named by --configfile replaces the default one and is not laid over it, as `configfile:` alone would.
STUDY_IS_NAMED = bool(workflow.overwrite_configfiles)

# All cores of this machine, for jobs that measure time. The documented `workflow.cores` ends the run where no number was
# given, as on a cluster, whose profile says the threads of these jobs (`set-threads`).
CORES = workflow.resource_settings.cores or 1


def study_files():
    """Return the files that the study was read from, for messages that name them and to read them more strictly."""
    return workflow.configfiles


def targets():
    """Return what the user asked for; known when jobs start, not yet when the Snakefile is read."""
    return list(workflow.dag_settings.targets or ["all"])


def is_forced():
    """Say whether the user asked for jobs to be done again."""
    forced = workflow.dag_settings
    return bool(forced.forceall or forced.forcetargets or forced.forcerun)


def is_on_slurm():
    """Say whether the jobs go to Slurm."""
    return workflow.executor_plugin.name == "slurm"


def status_command():
    """Return how the profile asks Slurm about jobs: only some of its ways see what an earlier run has left."""
    return workflow.executor_settings.status_command


def resource_tables():
    """Return the resources that the profile names: those of all rules, then of each; they say the clusters."""
    settings = workflow.resource_settings
    return [settings.default_resources or {}, *settings.overwrite_resources.values()]


def give_each_job(resource):
    """Let each job have one of a resource that the profile limits: a group of jobs does not inherit it."""
    if not IS_MAIN_PROCESS:
        workflow.register_resource(resource, 1)
