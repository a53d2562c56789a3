"""Define the ``fgir`` command: verbs for people, and a verb for every stage of the workflow."""

import argparse
import os
import shlex
import sys
from importlib import import_module

from fgir import __version__
from fgir.utils.errors import FgirError
from fgir.utils.signs import spare_signs

# Each adds its verbs, in the order of --help.
_VERBS = (
    "fgir.cli.show",
    "fgir.cli.check",
    "fgir.cli.plan",
    "fgir.report.tables.datasets",
    "fgir.cli.submit",
    "fgir.cli.jobs",
    "fgir.cli.documents",
    "fgir.cli.tables",
    "fgir.cli.resolution",
    "fgir.cli.fixres",
    "fgir.cli.apparent",
    "fgir.cli.stages",
)
_EPILOG = """\
everyday:
  snakemake --profile profiles/local all      run the study of config/config.yaml on this machine
  fgir show                                   the accuracy-vs-cost table of what is done
  fgir compare                                and where it differs from published accuracies
  fgir resolution                             which test size is best, and for which budget
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
    """Run the command. An error that the user can mend prints one sentence on stderr and leaves exit code 1."""
    spare_signs()
    options, unknown = _parser().parse_known_args(arguments)
    try:
        if unknown:
            raise FgirError(f"it does not take {shlex.join(unknown)}; see fgir {options.verb} --help.")
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
    for module in _VERBS:
        import_module(module).add_verbs(verbs)
    return parser
