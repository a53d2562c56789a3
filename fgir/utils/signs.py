"""Signs that a terminal may lack, and what stands for each: of the same width, so that tables keep their shape."""

import codecs
import sys

_SIGNS = str.maketrans({"−": "-", "–": "-", "±": "~", "†": "!", "‡": "#", "√": "sqrt", "×": "x", "…": "."})
_SIGNS |= str.maketrans({"↑": "^", "↓": "v", "→": ">", "★": "*", "─": "-", "’": "'"})


def spare_signs() -> None:
    """Let standard output and standard error show other signs in place of those that their encoding lacks."""
    codecs.register_error("fgir", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        # What a test or another program has put in its place may be no text file.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="fgir")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return error.object[error.start : error.end].translate(_SIGNS).encode("ascii", "replace").decode(), error.end
