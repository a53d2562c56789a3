"""The ``fgir`` command: verbs to look at results by hand, and a verb for every stage of the workflow."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from fgir import __version__
from fgir.cli import check as check_verb
from fgir.cli import stages
from fgir.cli import submit as submission_verb
from fgir.cli import tables as table_verbs
from fgir.report.tables import datasets as dataset_list
from fgir.results.measures import shown
from fgir.utils.errors import FgirError
from fgir.utils.signs import spare_signs

_PROFILE = Path("slurm")
_EPILOG = """\
everyday:
  snakemake --profile profiles/local all      run the study of config/config.yaml on this machine
  fgir show                                   the accuracy-vs-cost table of what is done
  fgir compare                                and where it differs from published accuracies
  fgir tuning                                 which learning rates were chosen, which at the edge of those tried
  fgir check config/studies/demo.yaml         is this study file right, and how large is it?
  fgir datasets                               which datasets, and what of them is on this machine?
  fgir plan config/studies/demo.yaml          what will it cost: GPU hours, disk, downloads?
  fgir submit results/cells/cub/resnet101/cal/224-224.parquet     send single runs, without the workflow
  fgir jobs                                   what is queued, running and failed?
  fgir macs --backbone tf_efficientnet_lite0 --setting cal --size 224 --classes 200

The other verbs are the stages of the workflow; Snakemake calls them with a --spec, and `snakemake -np` prints the
commands, which also run by hand.
"""


def main(arguments: list[str] | None = None) -> None:
    """Run the command; errors that the user can mend leave one sentence on stderr and exit code 1."""
    spare_signs()
    options, unknown = _parser().parse_known_args(arguments)
    try:
        if unknown:
            raise FgirError(f"{shlex.join(unknown)} is more than it takes: see fgir {options.verb} --help.")
        options.run(options)
        sys.stdout.flush()
    except FgirError as error:
        sys.exit(f"fgir {options.verb}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"fgir {options.verb}: interrupted.")
    except BrokenPipeError:
        # Whoever reads, such as head, has seen enough; Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fgir",
        description="Which backbone, trained and evaluated how, gives the accuracy I need at the cost I can pay?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fgir {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_show(verbs)
    check_verb.add_verb(verbs)
    _add_plan(verbs)
    dataset_list.add_verb(verbs)
    submission_verb.add_verb(verbs)
    _add_jobs(verbs)
    _add_documents(verbs)
    table_verbs.add_verbs(verbs)
    stages.add_verbs(verbs)
    return parser


def _add_show(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser(
        "show",
        help="print the accuracy-vs-cost table",
        description="Print the summary as a table: cells ranked by accuracy, the Pareto front marked. While a study "
        "runs: what is done so far; after a run that failed: what it left.",
    )
    verb.add_argument("summary", nargs="?", type=Path, default=Path("results/summary.parquet"))
    verb.add_argument("--study", type=Path, help="what is done of this study (a file), whatever tables there are")
    verb.add_argument("--dataset", help="only this dataset")
    verb.add_argument("--sort", default="top1", help=f"{', '.join(shown())} (default top1)")
    verb.set_defaults(run=_show)


def _show(options: argparse.Namespace) -> None:
    from fgir.report.current import current, of_study
    from fgir.report.tables.show import show
    from fgir.utils.terminal import console, print_note

    rows, note = of_study(options.study) if options.study else current(options.summary)
    show(rows, options.dataset, options.sort)
    if note:
        print_note(console(), note)


def _add_plan(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser(
        "plan",
        help="what will a study cost: jobs, GPU hours, disk, downloads",
        description="Estimate what a study takes before anything is submitted, and what only you can fetch for it.",
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


def _add_jobs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser(
        "jobs",
        help="what is queued, running and failed, on this machine or on SLURM",
        description="Show this folder's jobs that are queued, running or failed, with the last line of the log: those "
        "in Slurm's queue, what fgir submit started, and what Snakemake ran last on this machine.",
    )
    verb.add_argument(
        "--profile", type=Path, default=_PROFILE, help="Snakemake's profile, for the clusters it names: slurm"
    )
    verb.set_defaults(run=_jobs)


def _jobs(options: argparse.Namespace) -> None:
    from fgir.cluster.profile import clusters_named
    from fgir.cluster.queue import print_jobs

    if options.profile != _PROFILE and not (options.profile / "config.yaml").is_file():
        raise FgirError(f"{options.profile / 'config.yaml'} does not exist; name the folder of a profile of Snakemake.")
    print_jobs(Path.cwd(), clusters_named(options.profile))


def _add_documents(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    documents = {
        "columns": "print the documentation of every table's columns (docs/columns.md)",
        "schema": "print the JSON schema of study files (workflow/schemas/study.schema.json)",
    }
    for name, text in documents.items():
        verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        verb.set_defaults(run=_print_document)


def _print_document(options: argparse.Namespace) -> None:
    from fgir.results.columns import columns_markdown
    from fgir.study import json_schema

    print({"columns": columns_markdown, "schema": json_schema}[options.verb](), end="")
