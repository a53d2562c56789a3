"""Define `fgir submit`: send runs without the workflow, which finds them done in its own files."""

import argparse
from pathlib import Path
from typing import Any

_STUDY = "config/config.yaml"
_TEXT = """\
Send runs by submitit, outside of the workflow. A job is a training with its evaluations, by the same code and into the
same files, so that a later `snakemake all` finds them done. Finished runs are not sent. If there is Slurm, the command
sends them there and returns at once. Otherwise they run on this machine, and the command waits until all have ended.
Adaptations are made by the workflow alone.
Ctrl-C ends them after they have saved their state; the same command resumes them.
"""
_EXAMPLES = """\
a TARGET is a study file, or a path of its results tree, whether it exists or not:
  fgir submit config/studies/mine.yaml --dry-run               what would be sent: every run that is not done
  fgir submit config/studies/mine.yaml --parallel 8            send it, at most 8 at a time
  fgir submit results/cells/cub/resnet101/cal/224-224.parquet  the runs of one cell, of each seed
  fgir submit results/runs/cub/resnet101/cal/224/seed7         one run and the study's evaluations of it
  fgir submit results/evaluations/cub/resnet101/cal_nc/224-448/seed1  --study config/studies/mine.yaml

The inputs (split, pixels, weights, learning rate) must exist. If some are missing, it prints the command of snakemake
that makes them.
"""


def add_verbs(verbs: Any) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "submit",
        help="send runs without the workflow: to Slurm, or on this machine",
        description=_TEXT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("targets", nargs="+", metavar="TARGET", help="study files, or paths of the results tree")
    verb.add_argument("--study", default=_STUDY, help=f"the study of the paths (default {_STUDY})")
    verb.add_argument(
        "--profile", type=Path, default=Path("slurm"), help="Snakemake's profile of the cluster (default slurm)"
    )
    verb.add_argument(
        "--parallel", type=_positive, help="the most runs at a time (default: on Slurm the profile's jobs, here 1)"
    )
    verb.add_argument(
        "--time", type=_positive, dest="minutes", help="time limit of each run, minutes (default: the estimate)"
    )
    verb.add_argument(
        "--memory", type=_positive, dest="megabytes", help="main memory of each run, MB (default: the estimate)"
    )
    verb.add_argument("--local", action="store_true", help="run on this machine, even if there is Slurm")
    verb.add_argument("--dry-run", action="store_true", help="show what would be sent")
    verb.set_defaults(run=_run)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1")
    return int(text)


def _run(given: argparse.Namespace) -> None:
    from fgir.cluster.submit import Options, submit

    submit(Options(*(getattr(given, name) for name in Options._fields)))
