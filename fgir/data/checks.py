"""What must hold of a dataset's images before anything is trained on them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from fgir.errors import FgirError
from fgir.progress import tell


def check_count(found: int, expected: int | None, what: str, key: str, dataset: str, where: object) -> None:
    """Compare a count with the catalogue's ``key`` (None: not stated); FgirError where they differ."""
    if expected is not None and found != expected:
        raise FgirError(
            f'{where}: found {found} {what}, but "{key}" of dataset "{dataset}" in the catalogue says {expected}; '
            "correct the catalogue, or restore the missing images."
        )


def check_classes(class_names: Iterable[str], names: Sequence[str], where: object) -> None:
    """FgirError where a class has fewer than the two images that a training and a test part need."""
    counts = Counter(class_names)
    for name in names:
        if counts[name] < 2:
            raise FgirError(f"{where}: class {name} has {counts[name]} image(s); add more or remove the class.")


def check_leaks(
    paths: Sequence[str],
    digests: Sequence[str],
    is_test: Sequence[bool],
    where: object,
    leaks: Literal["refuse", "report"] = "refuse",
) -> None:
    """Look for test images that are also in train_val, byte for byte.

    ``refuse``: FgirError naming both files of the first. ``report``: a line with their number and the first.
    """
    trained = {digest: path for path, digest, test in zip(paths, digests, is_test, strict=True) if not test}
    found = [
        (path, trained[digest])
        for path, digest, test in zip(paths, digests, is_test, strict=True)
        if test and digest in trained
    ]
    if not found:
        return
    first = f"test image {found[0][0]} is the same as {found[0][1]} in train"
    if leaks == "refuse":
        raise FgirError(f"{where}: {first}; remove one of them.")
    tell(f"{where}: {len(found)} of the official test images are also in train_val; e.g. {first}.")
