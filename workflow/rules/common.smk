# What the other files here use: the study, the graph of its jobs, and what a rule takes from it.
import atexit
import gc
import inspect
import signal
import sys
from pathlib import Path

# The package stands beside the workflow: a checkout runs without being installed, here and in the jobs.
sys.path.insert(0, str(Path(workflow.basedir).parent))


include: "snakemake.smk"


# By these signals Slurm warns every process of a job. A run listens to them (fgir/utils/signals.py); Snakemake and
# its shells, which run it, would die of them and take the run along before it can ask Slurm to start the job again.
if not IS_MAIN_PROCESS:
    for warning in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(warning, signal.SIG_IGN)

from snakemake.exceptions import WorkflowError

from fgir.specs import canonical
from fgir.study import address, study_of
from fgir.study.strict import read_yaml
from fgir.utils.errors import FgirError
from fgir.utils.machine import has_gpu, prepare_jobs
from fgir.workflow.estimate import FIXED
from fgir.workflow.graph import Graph, alternatives
from fgir.workflow.specs import Specs
from fgir.workflow.validate import refused_targets, validate_target

prepare_jobs()


def read_strictly(files):
    """Refuse what Snakemake takes for YAML, such as a key given twice, and what it has no sentence for."""
    try:
        for file in files:
            read_yaml(file)
    except FgirError as error:
        raise WorkflowError(str(error)) from None


# A file that --configfile names Snakemake has read already; the default one comes first here.
if not STUDY_IS_NAMED:
    read_strictly(["config/config.yaml"])

    configfile: "config/config.yaml"


read_strictly(study_files())

try:
    STUDY = study_of(config, " + ".join(map(str, study_files())) or "--config")
    GRAPH = Graph(Specs(STUDY))
except FgirError as error:
    raise WorkflowError(str(error)) from None

# Planning makes millions of small objects and hardly any garbage: looking for it took a sixth of the time. The
# Snakefile turns the search on again when jobs start. At the end Python would look once more, for half a second.
gc.disable()
atexit.register(gc.freeze)

ENVIRONMENT = "../../environment.yml"


wildcard_constraints:
    **{name: alternatives(parts) for name, parts in GRAPH.parts().items()},
    dataset=r"[^/]+",
    backbone=r"[^/]+",
    regime=alternatives(STUDY.regimes),
    setting=alternatives(STUDY.settings),
    train_size=r"\d+",
    test_size=r"\d+",
    seed=r"\d+",
    size=r"\d+",
    made=r"[a-z][^/]*",
    classes=r"\d+",
    learning_rate=r"[0-9.e-]+",


def results(pattern):
    """Return a path or pattern below the study's results folder."""
    return f"{STUDY.results}/{pattern}"


def signed(function):
    """Return the function itself, with its signature at hand: Snakemake asks for it several times a job, and to find
    it out takes longer than most of these functions.
    """
    function.__signature__ = inspect.signature(function)
    return function


def inputs_of(rule):
    """Return the function that says what a job of a rule reads."""
    kind = GRAPH[rule]
    return signed(lambda wildcards: kind.inputs(kind.of(wildcards)))


def output_of(rule, name):
    """Return the patterns of an output of a rule, whose files are never empty."""
    patterns = GRAPH[rule].patterns()[name]
    is_one = isinstance(patterns, str)
    return ensure(
        results(patterns) if is_one else [results(pattern) for pattern in patterns],
        non_empty=True,
    )


def log_of(rule):
    """Return the pattern of a rule's log."""
    return f"{STUDY.logs}/{GRAPH[rule].log}.log"


def benchmark_of(rule):
    """Return the pattern of what Snakemake measures of a rule's jobs."""
    return f"{STUDY.logs}/{GRAPH[rule].log}.tsv"


def work_of(pattern):
    """Return a pattern below the study's folder of resumable state, which is no output of any rule."""
    return f"{STUDY.work}/{address.fixed(pattern, STUDY.varied)}"


def spec_of(rule):
    """Return the function of a rule's parameter `spec`: canonical JSON."""
    kind = GRAPH[rule]
    return signed(lambda wildcards: canonical(kind.spec(kind.of(wildcards))))


def minutes_of(rule):
    """Return the function of a rule's time limit: the plan's, more with every attempt."""
    kind = GRAPH[rule]
    return signed(
        lambda wildcards, attempt: attempt * kind.needs(kind.of(wildcards)).minutes
    )


def megabytes_of(rule):
    """Return the function of a rule's main memory: the plan's, more with every attempt."""
    kind = GRAPH[rule]
    return signed(
        lambda wildcards, attempt: attempt * kind.needs(kind.of(wildcards)).megabytes
    )


def gpus_of(rule):
    """Return how many GPUs of this machine a job of a rule takes."""
    return int(GRAPH[rule].gpu and has_gpu())


def named_in(paths, pattern, key):
    """Return what paths of results of a pattern say of one key; ``paths`` is one where a job has one."""
    paths = [paths] if isinstance(paths, str) else paths
    return [
        address.identity(pattern, path.removeprefix(results("")))[key] for path in paths
    ]


def refuse(wildcards):
    """End the run with what is wrong with a target, in a sentence: of an exception Snakemake would print the traceback."""
    try:
        validate_target(STUDY, GRAPH.specs.class_counts(), wildcards.target)
    except FgirError as error:
        sys.exit(f"{error} Another study is chosen with --configfile.")


# Parameters of functions that ask for the output rerun nothing, and are no part of what the files mean.
@signed
def catalogue(wildcards, output):
    """Return the file of the catalogue of datasets, which may be moved."""
    return STUDY.datasets_file


@signed
def licence_of(wildcards, output):
    """Return the licence of a backbone's weights, which may be corrected."""
    return STUDY.backbone_entries[wildcards.backbone].licence


@signed
def run_of(wildcards, input):
    """Return the folder of the run that is evaluated, and behind it the option that names its adaptation, if any."""
    folder = str(Path(input.model).parent)
    return [folder, "--adapted", *input.adapted] if input.adapted else folder


@signed
def settings_of(wildcards, output):
    """Return the settings that the paths of metrics name: a study with more or fewer of them evaluates none again."""
    return named_in(output.metrics, address.METRICS, "setting")


@signed
def classes_of(wildcards, output):
    """Return the numbers of classes that the paths of MACs name: a study of other datasets finds its MACs counted."""
    return named_in(output.macs, address.MACS, "classes")
