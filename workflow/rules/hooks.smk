# What comes before the first job and after the last.
import logging
import os
import shlex
import shutil
import subprocess

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from fgir.study import SQUARE, UNADAPTED, Adapted
from fgir.training.finished import FINISHED
from fgir.utils import slurm
from fgir.results.failures import failures_in, note_failure
from fgir.specs import canonical
from fgir.cluster import records
from fgir.cluster.profile import CLUSTER_KEYS, plain
from fgir.cluster.site import extra_options
from fgir.study.folders import file_instead
from fgir.utils.words import counted


def check_study():
    """Refuse what would fail hours later, before any job."""
    from fgir.results.published import published_of

    try:
        check_places()
        check_tags()
        published_of(STUDY.published_file)
    except FgirError as error:
        raise WorkflowError(str(error)) from None


def check_places():
    """Refuse results below a file, which Snakemake would look into before anything of ours runs."""
    if sentence := file_instead("results", Path(STUDY.results).absolute()):
        raise FgirError(sentence)


def check_tags():
    """Refuse a timm tag that does not exist. Asking timm takes seconds, so only for names without an entry."""
    tags = [
        name for name, entry in STUDY.backbone_entries.items() if entry.timm == name
    ]
    if tags:
        from fgir.models.tags import check_tag

        for tag in tags:
            check_tag(tag)


def refuse_what_cannot_work():
    """Refuse, before the first job, what fgir check knows without opening images.

    It builds models, which takes seconds; in a process of its own, as this one has no need of torch.
    """
    command = [sys.executable, "-m", "fgir", "check", "-", "--targets", *targets()]
    study = STUDY.model_dump_json()
    done = subprocess.run(
        command, input=study, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode < 0:
        raise WorkflowError(
            f"fgir check was ended by signal {-done.returncode} before it had looked at the study; run this again."
        )
    if done.returncode:
        raise WorkflowError(f"The study cannot work:\n{done.stdout}")


def refuse_what_runs_already():
    """Refuse to start while jobs of fgir submit, or of an earlier snakemake that was killed, go on here or on Slurm."""
    sent = [record for record in records.all_of(Path.cwd()) if record.runs_here()]
    if sent:
        raise WorkflowError(
            f"{counted(len(sent), 'run')} of fgir submit still {'goes' if len(sent) == 1 else 'go'} on on this machine. "
            "Let that end, then run this command again (fgir jobs shows it), or end fgir submit with Ctrl-C."
        )
    if not is_on_slurm():
        return
    clusters = clusters_of_jobs()
    try:
        slurm.check_is_asked(status_command(), clusters)
        sent_to = [record.cluster for record in records.all_of(Path.cwd())]
        left = slurm.queued(Path.cwd(), [*clusters, *sent_to])
    except FgirError as error:
        raise WorkflowError(str(error)) from None
    if left:
        raise WorkflowError(
            f"{counted(len(left), 'Slurm job')} of an earlier snakemake or of fgir submit "
            f"{'goes' if len(left) == 1 else 'go'} on in this folder. Wait for the end, then run this command again "
            f"(fgir jobs shows them), or end them with: {slurm.scancel(left)}"
        )


def refuse_options_of_sbatch():
    """Refuse options in slurm_extra that the plugin refuses too late: Snakemake would wait for ever."""
    if not is_on_slurm():
        return
    for table in resource_tables():
        if "slurm_extra" in table:
            try:
                extra_options(str(plain(table["slurm_extra"].raw)))
            except FgirError as error:
                raise WorkflowError(f"The profile's {error}") from None


def clusters_of_jobs():
    """Return the clusters to which the profile sends jobs."""
    named = [
        plain(table[key].raw)
        for table in resource_tables()
        for key in CLUSTER_KEYS
        if key in table
    ]
    return {
        *map(str, named),
        *(record.cluster for record in records.all_of(Path.cwd())),
    }


def forget_finished_runs():
    """Let runs be trained again, in place of being put back from their work folders, if the user forces a rerun."""
    if is_forced():
        any_value = dict.fromkeys(Adapted._fields, "*")
        any_value |= {"crops": SQUARE, "adaptation": UNADAPTED}
        for pattern in (address.RUN, address.ADAPTED):
            any_run = address.fill(pattern, **any_value)
            for folder in Path(STUDY.work).glob(f"{any_run}/{FINISHED}"):
                shutil.rmtree(folder)


def wants_tables():
    """Say whether the study is run as a whole, and not for single files."""
    return bool({"all", "summary", results(address.SUMMARY)}.intersection(targets()))


class NotesFailures(logging.Handler):
    """Note each job as it fails, for the end of the run, the tables and those who look at them meanwhile."""

    def emit(self, record):
        # Which fields an event has, Snakemake may change: a note that is not made must not end the run.
        try:
            for job in self.failed(record):
                note_failure(STUDY.results, job["rule_name"], job["log"], job["output"])
        except (OSError, KeyError, TypeError) as error:
            print(f"A failed job could not be noted: {error}", file=sys.stderr)

    def failed(self, record):
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_ERROR:
            return [vars(record)]
        # A group names all its jobs: those that never started have no log.
        named = event == LogEvent.GROUP_ERROR and getattr(record, "job_error_info", [])
        return [job for job in named or [] if any(map(os.path.exists, job["log"]))]


def begin():
    """Forget the failures of an earlier run, note those of this one, and say what is to become the summary."""
    try:
        Path(results(address.FAILED)).unlink(missing_ok=True)
        if wants_tables():
            from fgir.report.current import mark_running

            mark_running(GRAPH.specs.summary(), STUDY.published_file)
    except (OSError, FgirError) as error:
        raise WorkflowError(
            f"{STUDY.results} cannot be written ({error}); free some space, or name another folder as results."
        ) from None
    logger.addHandler(NotesFailures())


def end():
    """Take back what said that a run goes on."""
    Path(results(address.RUNNING)).unlink(missing_ok=True)


def repeat_failures():
    """Say again why each job failed, a line a job, after all that Snakemake had to say."""
    failures = failures_in(STUDY.results)
    if failures:
        print(f"\n{counted(len(failures), 'job')} failed:", file=sys.stderr)
    for failure in failures:
        print(
            f"  {failure.rule}: {failure.sentence} ({failure.log})",
            file=sys.stderr,
            flush=True,
        )


def write_partial_tables():
    """Write the tables and figures of what is there after a failed run."""
    spec, published = canonical(GRAPH.specs.summary()), STUDY.published_file
    command = [
        "partial",
        "--spec",
        spec,
        "--published",
        *([published] if published else []),
    ]
    subprocess.run([sys.executable, "-m", "fgir", *command], check=False)
    print("Not all jobs ended well. The same command goes on from there.", flush=True)
