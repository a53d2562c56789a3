"""Say what went wrong, and what to do, in one sentence."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

# Likeness of two words that are meant to be the same: one letter of three (cup, cub) may differ, no more.
_LIKE = 0.66
_LISTED = 16


class FgirError(Exception):
    """Report an error that the user can mend: what is wrong, in which file or key, and what to do."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return ``; did you mean "x"?`` if ``name`` is near a valid name, else the list of valid names."""
    names = sorted(valid)
    meant = near(name, names)
    if meant:
        return f'; did you mean "{meant}"?'
    # Names that begin like the wrong one come first.
    word = re.match("[a-z]*", name.lower())
    names.sort(key=lambda other: not (word and word[0] and other.lower().startswith(word[0])))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"; valid names: {', '.join(names[:_LISTED])}{more}." if names else "."


def near(name: str, valid: Iterable[str], likeness: float = _LIKE) -> str | None:
    """Return the valid name that ``name`` surely means, or None.

    It may differ in case, in punctuation or by a typing slip. Numbers never differ by a slip: resnet101 is not near
    resnet50, and 384 is not near 224.
    """
    names = sorted(valid)
    plain = {_plain(other): other for other in reversed(names)}
    if _plain(name) in plain:
        return plain[_plain(name)]
    alike = [other for other in plain if not (_numbers(name) and _numbers(other)) or _numbers(name) == _numbers(other)]
    close = get_close_matches(_plain(name), alike, n=1, cutoff=likeness)
    return plain[close[0]] if close else None


def raise_all(faults: Iterable[str], before: str = "") -> None:
    """Raise FgirError with every fault on a line of its own, each after ``before``. Do nothing without faults."""
    text = "\n".join(f"{before}{fault}" for fault in faults)
    if text:
        raise FgirError(text)


def _plain(name: str) -> str:
    """Return a name in lower case without punctuation: ResNet-50 and resnet_50 are the same."""
    return re.sub(r"[\W_]", "", name).lower()


def _numbers(name: str) -> list[str]:
    return re.findall(r"\d+", name)
