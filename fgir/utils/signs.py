"""Replace characters that a terminal lacks, most by one of the same width, so that tables keep their shape."""

import codecs
import sys

_SIGNS = str.maketrans({"−": "-", "–": "-", "±": "~", "†": "!", "‡": "#", "√": "sqrt", "×": "x", "…": "."})
_SIGNS |= str.maketrans({"↑": "^", "↓": "v", "→": ">", "★": "*", "─": "-", "’": "'"})


def spare_signs() -> None:
    """Make standard output and standard error replace the characters that their encoding lacks."""
    codecs.register_error("fgir", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        # A test or another program may have put something else in its place.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="fgir")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return error.object[error.start : error.end].translate(_SIGNS).encode("ascii", "replace").decode(), error.end
