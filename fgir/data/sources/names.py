"""Names that a person takes for the same: in other capitals, or with letters composed of other signs.

Imported at Snakemake's parse time: standard library only.
"""

import unicodedata
from collections.abc import Iterable, Iterator


def plain(name: str) -> str:
    """Return a name without what the eye misses: capitals, blanks at the ends, an umlaut of one sign or of two."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def alike_in(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return the pairs of names that are the same when plain, in their order."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(plain(name), name)
        if other != name:
            yield other, name
