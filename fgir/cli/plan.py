"""Define ``fgir plan``: what a study will cost."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from fgir.utils.errors import FgirError


def add_verbs(verbs: Any) -> None:
    """Add the verb plan."""
    verb = verbs.add_parser(
        "plan",
        help="what will a study cost: jobs, GPU hours, disk, downloads",
        description="Estimate what a study costs before anything is submitted, and name what only you can fetch.",
    )
    verb.add_argument("study", nargs="?", type=Path, default=Path("config/config.yaml"))
    verb.add_argument("--out", type=Path, help="also write every job to this Parquet file")
    verb.set_defaults(run=_plan)


def _plan(options: argparse.Namespace) -> None:
    from fgir.report.tables.plan import show
    from fgir.results.parquet import write_rows
    from fgir.study import load_study
    from fgir.workflow.plan import Plan
    from fgir.workflow.specs import Specs

    if options.out and options.out.suffix != ".parquet":
        raise FgirError(f"{options.out} would hold Parquet; let its name end in .parquet.")
    plan = Plan(Specs(load_study(options.study)))
    show(plan)
    if options.out:
        write_rows("plan", plan.rows, options.out)
        print(f"Every job: {options.out}")
    print(f"Next: snakemake all --profile profiles/local --configfile {shlex.quote(str(options.study))} --dry-run")
