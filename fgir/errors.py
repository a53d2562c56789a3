"""What went wrong, said to the user in one sentence."""

from collections.abc import Iterable
from difflib import get_close_matches


class FgirError(Exception):
    """An error that the user can mend: its text says what, which file or key, and what to do."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return ``; did you mean "x"?`` for the valid name nearest to ``name``, or the list of valid names."""
    names = sorted(valid)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; valid names: {', '.join(names)}." if names else "."
