"""Read text files in UTF-8, with or without a byte-order mark; refuse anything else by file and line.

Imported at Snakemake's parse time: standard library only.
"""

from pathlib import Path

from fgir.utils.errors import FgirError

_OTHER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_text(path: Path) -> str:
    """Return the text of a file without its byte-order mark.

    Raises FgirError if the file cannot be read or a line, which it names, is not in UTF-8; FileNotFoundError if there
    is no file.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FgirError(
            f"{path} cannot be read ({error.strerror}); it must be a text file that you may read."
        ) from None
    if kind := _OTHER_MARKS.get(content[:2]):
        raise FgirError(f"{path} line 1: the file is in {kind}; save it in UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FgirError(
            f"{path} line {line}: byte {content[error.start]:#x} is not in UTF-8; save the file in UTF-8."
        ) from None
