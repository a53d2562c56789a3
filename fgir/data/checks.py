"""Counts that must be the catalogue's."""

from fgir.utils.errors import FgirError
from fgir.utils.words import counted


def difference(found: int, expected: int | None, what: str, key: str, dataset: str, where: object) -> str | None:
    """Return the sentence that says how a count differs from the catalogue's ``key`` (None: not stated), if it does."""
    if expected is None or found == expected:
        return None
    return (
        f'{where}: found {counted(found, what)}, but "{key}" of dataset "{dataset}" in the catalogue says {expected}; '
        "correct the catalogue, or restore the missing images."
    )


def check_count(found: int, expected: int | None, what: str, key: str, dataset: str, where: object) -> None:
    """Compare a count with the catalogue's ``key``; FgirError where they differ."""
    text = difference(found, expected, what, key, dataset, where)
    if text:
        raise FgirError(text)
