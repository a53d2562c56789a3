"""Define ``fgir jobs``: what is queued, running and failed."""

import argparse
from pathlib import Path
from typing import Any

from fgir.utils.errors import FgirError

_PROFILE = Path("slurm")


def add_verbs(verbs: Any) -> None:
    """Add the verb jobs."""
    verb = verbs.add_parser(
        "jobs",
        help="what is queued, running and failed, on this machine or on SLURM",
        description="Show this folder's jobs that are queued, running or failed, each with the last line of its log. "
        "They are the jobs in Slurm's queue, those of fgir submit, and those of Snakemake's last run on this machine.",
    )
    verb.add_argument(
        "--profile", type=Path, default=_PROFILE, help="Snakemake's profile, which names the clusters (default slurm)"
    )
    verb.set_defaults(run=_jobs)


def _jobs(options: argparse.Namespace) -> None:
    from fgir.cluster.profile import clusters_named
    from fgir.cluster.queue import print_jobs

    if options.profile != _PROFILE and not (options.profile / "config.yaml").is_file():
        raise FgirError(f"{options.profile / 'config.yaml'} does not exist; name the folder of a profile of Snakemake.")
    print_jobs(Path.cwd(), clusters_named(options.profile))
