"""Numbers with their nouns, for texts."""

_ES = ("s", "x", "ch", "sh")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 image``, ``2 classes``, ``1,024 images``; ``plural`` where it is not the noun with s or es."""
    return f"{number:,} {noun if number == 1 else plural or noun + ('es' if noun.endswith(_ES) else 's')}"
