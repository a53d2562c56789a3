"""Write numbers with their nouns, and names of files, for texts."""

_ES = ("s", "x", "ch", "sh")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 image``, ``2 classes``, ``1,024 images``; ``plural`` is needed if it is not the noun with s or es."""
    return f"{number:,} {noun if number == 1 else plural or noun + ('es' if noun.endswith(_ES) else 's')}"


def shown(name: str) -> str:
    """Return a file's name as one line of text, with unprintable characters and bytes outside of UTF-8 escaped."""
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in name)


def _escaped(sign: str) -> str:
    # Bytes that are not in UTF-8 stand in Python's names as surrogates.
    foreign = 0xDC80 <= ord(sign) <= 0xDCFF
    return f"\\x{ord(sign) - 0xDC00:02x}" if foreign else ascii(sign)[1:-1]
