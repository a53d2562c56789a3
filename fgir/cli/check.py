"""Define ``fgir check``: is a study right, and how large is it?"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fgir.utils.errors import FgirError
from fgir.utils.words import counted

if TYPE_CHECKING:
    from fgir.study import Study
    from fgir.workflow.specs import Specs

_TEXT = """\
Check a study file and the catalogues that it names, and count what it asks for. Without opening an image, this checks
keys and names, folders, files of weights, the numbers of classes and images, batch sizes, timm's tags, and whether each
backbone admits each size. With --images it also opens every image of the datasets on this machine, to find those that
cannot be read, or that are in two parts or two classes. It lists all faults; if there are any, the exit code is 1.
"""


def add_verbs(verbs: Any) -> None:
    """Add the verb check."""
    verb = verbs.add_parser(
        "check",
        help="check a study file and count what it asks for",
        description=_TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument(
        "study", nargs="?", type=Path, default=Path("config/config.yaml"), help="a file, or - for standard input"
    )
    verb.add_argument("--targets", nargs="+", default=["all"], help="only what these files of the results need")
    verb.add_argument(
        "--images", action="store_true", help="also open every image, which takes as long as reading them all"
    )
    verb.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> None:
    from fgir.workflow.check import faults_of
    from fgir.workflow.specs import Specs
    from fgir.workflow.targets import narrowed
    from fgir.workflow.validate import validate_target

    study = _study(options.study)
    if options.targets != ["all"]:
        class_counts = Specs(study).class_counts()
        for target in options.targets:
            validate_target(study, class_counts, target)
    study = narrowed(study, options.targets)
    faults, unseen = faults_of(study), ["the images themselves, which fgir check --images opens"]
    if options.images:
        of_images, unseen = _look_at_images(study)
        faults += [fault for fault in of_images if fault not in faults]
    if faults:
        print("\n".join(faults))
        print(f"Not looked at: {'; '.join(unseen)}." if unseen else "All images were opened.")
        raise FgirError(f"{options.study} has {counted(len(faults), 'fault')}, listed above.")
    print(f"{options.study} is a valid study: {study.name}")
    _print_counts(study, Specs(study))
    _print_folders(study)
    _print_warm_ups(study)
    print(f"Not looked at: {'; '.join(unseen)}." if unseen else "All images were opened.")
    print(f"Next: snakemake all --profile profiles/local --configfile {shlex.quote(str(options.study))} --dry-run")


def _study(path: Path) -> "Study":
    from fgir.study import load_study, study_of
    from fgir.study.strict import parse_yaml

    if str(path) != "-":
        return load_study(path)
    return study_of(parse_yaml(sys.stdin.read(), "standard input"), "standard input")


def _print_counts(study: "Study", specs: "Specs") -> None:
    from fgir.workflow.downloads import files_of_datasets

    cells = study.cells()
    points = {specs.cost_point(cell) for cell in cells}
    crossed = {"dataset": len(study.datasets), "backbone": len(study.backbones), "setting": len(study.settings)}
    print(f"  {' x '.join(counted(number, noun) for noun, number in crossed.items())}")
    numbers = {"run": len(study.runs()), "evaluation": len(cells) * len(study.seeds), "cell": len(cells)}
    print(f"  {', '.join(counted(number, noun) for noun, number in numbers.items())}")
    print(f"  {counted(len(points), 'cost point')}, results in {study.results}/")
    if study.published_file:
        from fgir.results.published import published_of

        published = published_of(study.published_file)
        found = counted(sum(cell in published for cell in cells), "cell")
        print(f"  published accuracies of {found} in {study.published_file}")
    by_hand = dict.fromkeys(file.owner for file in files_of_datasets(study) if not file.there and not file.automatic)
    if by_hand:
        print(f"  only you can fetch (fgir datasets show NAME says how): {', '.join(by_hand)}")


def _print_folders(study: "Study") -> None:
    """Print what is found in the user's own folders, and what is skipped there."""
    from fgir.data.sources.registry import acquire, read
    from fgir.study.catalogue import Folder
    from fgir.workflow.specs import Specs

    specs = Specs(study)
    for name, entry in study.dataset_entries.items():
        if isinstance(entry, Folder):
            spec = specs.source(name)
            listing = read(spec, acquire(spec))
            found = f"{counted(len(listing.images), 'image')} of {counted(len(listing.classes), 'class')}"
            print(f"  {name}: {found}. {' '.join(listing.notes)}".rstrip())


def _print_warm_ups(study: "Study") -> None:
    """Print which trainings never reach their learning rate."""
    from fgir.workflow.batches import never_warm
    from fgir.workflow.specs import Specs

    specs = Specs(study)
    for name in study.datasets:
        for sentence in never_warm(specs, name):
            print(f"  {sentence}")


def _look_at_images(study: "Study") -> tuple[list[str], list[str]]:
    """Open the images of the study's datasets; return the faults, and what was not looked at."""
    from fgir.data.presence import present
    from fgir.data.sources.registry import acquire
    from fgir.data.statistics import looked_at
    from fgir.workflow.specs import Specs

    faults, unseen = [], []
    for name, entry in study.dataset_entries.items():
        if present(name, entry, Path(study.archives)) != "yes":
            unseen.append(f"{name}, which is not on this machine")
            continue
        try:
            spec = Specs(study.model_copy(update={"datasets": [name], "dataset_entries": {name: entry}})).source(name)
            wrong, remarks = looked_at(spec, acquire(spec))
            faults += wrong
            for remark in remarks:
                print(f"{name}: {remark}")
        except FgirError as error:
            faults.append(str(error))
            unseen.append(f"the images of {name}")
    return faults, unseen
