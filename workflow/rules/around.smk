# What comes before the first job and after the last.
import shutil
import subprocess

from snakemake.exceptions import WorkflowError

from fgir import slurm
from fgir.known import check_file
from fgir.specs import canonical


def check_study():
    """Refuse what would fail hours later, before any job."""
    from fgir.tables.published import published_of

    try:
        check_targets()
        check_tags()
        published_of(STUDY.published_file)
    except FgirError as error:
        raise WorkflowError(str(error)) from None


def check_targets():
    """A target may name only what the study has. Snakemake's targets are not known yet; its arguments are."""
    for word in sys.argv[1:]:
        try:
            check_file(STUDY, SPECS.class_counts(), word)
        except FgirError as error:
            raise FgirError(
                f"{error} Another study is chosen with --configfile."
            ) from None


def check_tags():
    """A timm tag must exist. Asking timm takes seconds, so only for names without an entry."""
    tags = [
        name for name, entry in STUDY.backbone_entries.items() if entry.timm == name
    ]
    if tags:
        from fgir.models.tags import check_tag

        for tag in tags:
            check_tag(tag)


def refuse_what_runs_already():
    """Refuse to submit while jobs of fgir submit, or of an earlier snakemake that was killed, go on in Slurm's queue."""
    left = slurm.queued(Path.cwd()) if workflow.executor_plugin.name == "slurm" else []
    if left:
        numbers = " ".join(job.number for job in left)
        raise WorkflowError(
            f"{len(left)} Slurm job(s) of an earlier snakemake or of fgir submit still go on in this folder. Let them "
            f"end, then run this command again (fgir jobs shows them), or end them with: scancel {numbers}"
        )


def forget_finished_runs():
    """Where the user forces a rerun, let a run be trained again in place of being put back from its work folder."""
    forced = workflow.dag_settings
    if forced.forceall or forced.forcetargets or forced.forcerun:
        for folder in Path(STUDY.work).glob("runs/*/*/*/*/*/finished"):
            shutil.rmtree(folder)


def wants_tables():
    """Is this a run of the study as a whole, not of single files?"""
    targets = set(workflow.dag_settings.targets or ["all"])
    return bool(targets & {"all", "summary", results(address.SUMMARY)})


def forget_partial_tables():
    """Delete the tables that a failed run left: as they exist, Snakemake would take them for finished."""
    marker = Path(results(address.PARTIAL))
    if marker.exists():
        for table in (address.EVALUATIONS, address.SUMMARY):
            Path(results(table)).unlink(missing_ok=True)
        marker.unlink()


def write_partial_tables():
    """Write the tables of what is there after a failed run, and a mark for the next."""
    Path(STUDY.results).mkdir(parents=True, exist_ok=True)
    Path(results(address.PARTIAL)).touch()
    tables = [results(address.EVALUATIONS), results(address.SUMMARY)]
    spec = canonical(SPECS.summary())
    published = [STUDY.published_file] if STUDY.published_file else []
    command = ["summary", "--spec", spec, "--published", *published, "--out", *tables]
    subprocess.run([sys.executable, "-m", "fgir", *command], check=False)
    print(f"Not all jobs ended well. What is there: fgir show {tables[1]}")
    print("The same command goes on from there.")
