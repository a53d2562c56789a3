"""What must hold of a dataset's images before anything is trained on them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from fgir.errors import FgirError


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


def check_leaks(paths: Sequence[str], digests: Sequence[str], is_test: Sequence[bool], where: object) -> None:
    """FgirError naming both files where a test image is also in train_val, byte for byte."""
    trained = {digest: path for path, digest, test in zip(paths, digests, is_test, strict=True) if not test}
    for path, digest, test in zip(paths, digests, is_test, strict=True):
        if test and digest in trained:
            raise FgirError(
                f"{where}: test image {path} is the same as {trained[digest]} in train; remove one of them."
            )
