"""Send what is left to do of targets, but nothing that another job is doing and nothing without its inputs."""

import shlex
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from fgir.cluster import records
from fgir.cluster.plan import Planner, Sending
from fgir.cluster.profile import clusters_named
from fgir.cluster.send import run_here, send_to_slurm
from fgir.cluster.site import Site, site_of
from fgir.cluster.targets import is_study, wanted
from fgir.distributed.group import check_batch
from fgir.specs import RunSpec, parse
from fgir.study import address, load_study
from fgir.utils import slurm
from fgir.utils.errors import FgirError
from fgir.utils.lock import owner, owning
from fgir.utils.machine import count_gpus, prepare_jobs
from fgir.utils.progress import inform
from fgir.utils.words import counted

# The study that snakemake runs without --configfile.
_STUDY_BY_DEFAULT = "config/config.yaml"


class Options(NamedTuple):
    """Hold the options of the command line."""

    targets: list[str]
    study: str
    profile: Path
    local: bool
    parallel: int | None
    minutes: int | None
    megabytes: int | None
    dry_run: bool


def submit(options: Options) -> None:
    """Send what is left of the targets. Raises FgirError, before anything is sent, if that is not possible."""
    here = options.local or not slurm.is_here()
    site = Site({}, gpus=min(1, count_gpus())) if here else site_of(options.profile)
    if options.megabytes:
        site = site._replace(megabytes_per_core=None)
    parallel = options.parallel or (1 if here else site.jobs)
    profile = "profiles/local" if here else str(options.profile)
    sendings = [_limited(sending, site, options) for sending in _left(options, site.threads, profile)]
    for run in (parse(RunSpec, sending.job.training.spec) for sending in sendings):
        check_batch(run.training.batch_size, run.pairs, site.nodes * site.tasks)
    # Two commands that look at the same time would both find the runs free.
    sends = sendings and not here and not options.dry_run
    with owning(Path("logs/.sending")) if sends else nullcontext():
        sendings = _free(sendings, options, Path.cwd())
        if not sendings:
            print("Nothing is left to send; adaptations and tables are made by snakemake.")
        elif options.dry_run:
            _show(sendings, site, parallel, here)
        else:
            _send(sendings, site, parallel, here)


def _send(sendings: list[Sending], site: Site, parallel: int, here: bool) -> None:
    prepare_jobs()
    if here:
        _unlink_outdated(sendings)
        print(f"{counted(len(sendings), 'run')} on this machine, {parallel} at a time; in another terminal: fgir jobs")
        run_here(sendings, parallel, Path.cwd())
        print("All are done; a later snakemake finds them so.")
    else:
        sent = send_to_slurm(sendings, site, parallel, Path.cwd())
        # Slurm has taken the runs, and no job can have loaded its modules yet.
        _unlink_outdated(sendings)
        number = sent[0].number.partition("_")[0]
        print(f"Sent {counted(len(sent), 'run')}, Slurm's job {number}, {parallel} at a time at most.")
        print("Next: fgir jobs")


def _unlink_outdated(sendings: list[Sending]) -> None:
    """Delete the old files of runs and evaluations that are made anew, as Snakemake does."""
    for file in (file for sending in sendings for file in sending.files):
        Path(file).unlink(missing_ok=True)


def _left(options: Options, threads: int, profile: str) -> list[Sending]:
    """Return what is left to do of all targets. Raises FgirError if inputs are missing."""
    left, paths = [], [target for target in options.targets if not is_study(target)]
    for file in dict.fromkeys([*filter(is_study, options.targets), *([options.study] if paths else [])]):
        study = load_study(file)
        planner = Planner(study, threads)
        runs = wanted(study, file in options.targets, paths if file == options.study else [])
        sendings = [planner.sending(run, test_sizes) for run, test_sizes in runs.items()]
        of_study = [sending for sending in sendings if sending]
        missing = list(dict.fromkeys(path for sending in of_study for path in sending.missing()))
        if missing:
            more = f" and {len(missing) - 1} other inputs are" if len(missing) > 1 else " is"
            command = _snakemake(file, profile, missing)
            raise FgirError(f"{missing[0]}{more} not there yet; let Snakemake make what is missing:\n  {command}")
        left += of_study
    return left


def _snakemake(study: str, profile: str, files: Iterable[str]) -> str:
    """Return the command of Snakemake that makes files of a study."""
    configured = [] if study == _STUDY_BY_DEFAULT else ["--configfile", study]
    return shlex.join(["snakemake", *configured, "--profile", profile, *files])


def _limited(sending: Sending, site: Site, options: Options) -> Sending:
    """Return a run with the time and memory of the command line, the profile or the estimate, the first that is set."""
    of_cores = site.megabytes_per_core and site.megabytes_per_core * site.threads
    megabytes = options.megabytes or of_cores or site.megabytes or sending.megabytes
    return sending._replace(minutes=options.minutes or site.minutes or sending.minutes, megabytes=megabytes)


def _free(sendings: list[Sending], options: Options, folder: Path) -> list[Sending]:
    """Return the runs that no other job is doing, and print those that are skipped.

    Raises FgirError if jobs of Snakemake may be doing them.
    """
    there = records.all_of(folder)
    clusters = {*clusters_named(options.profile), *(record.cluster for record in there)}
    queued = _queued(folder, clusters, options.local)
    sent = records.alive(folder, queued)
    others = [job for job in queued if not any(record.is_among([job]) for record in sent)]
    if sendings and others:
        jobs = counted(len(others), "Slurm job of snakemake is", "Slurm jobs of snakemake are")
        raise FgirError(
            f"{jobs} queued or running in this folder and may be doing the same runs; let them end (fgir jobs "
            f"shows them), or end them with: {slurm.scancel(others)}"
        )
    at_it = {record.out: f"job {record.number}" for record in sent}
    free = []
    for sending in sendings:
        given = sending.job.training
        holder = at_it.get(given.out) or owner(Path(given.work))
        if holder:
            print(f"Not sent, as {holder} is at it: {sending.work[0]}")
        else:
            free.append(sending)
            at_it[given.out] = "another of these jobs"
    return free


def _queued(folder: Path, clusters: Iterable[str], local: bool) -> list[slurm.Job]:
    """Return Slurm's queued jobs of this folder. Raises FgirError if it does not answer and is to get jobs."""
    try:
        return slurm.queued(folder, clusters) if slurm.is_here() else []
    except FgirError as error:
        if not local:
            raise FgirError(f"{error} To use this machine alone, without Slurm, add --local.") from None
        inform(f"Slurm does not answer, so jobs there may be doing the same runs: {error}")
        return []


def _show(sendings: list[Sending], site: Site, parallel: int, here: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("run", overflow="fold")
    # On one machine nothing is limited.
    for name in ("evaluations", "GPUs", *([] if here else ["minutes", "MB"])):
        table.add_column(name, justify="right")
    for sending in sendings:
        run = address.named(sending.run) + ("" if sending.trains else " (is trained)")
        limits = [] if here else [sending.minutes, sending.megabytes]
        table.add_row(run, *map(str, [sending.evaluations, site.gpus, *limits]))
    console = Console()
    console.print(table)
    where = "on this machine" if here else "as one array, each with the largest time and memory of them"
    console.print(
        f"{counted(len(sendings), 'run')} would be sent, {where}, at most {parallel} at a time.", soft_wrap=True
    )
