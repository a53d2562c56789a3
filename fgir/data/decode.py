"""Image files decoded: the one way for the manifest, the pixel store, and whoever reads images at every use."""

import logging
import re
import threading
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from fgir.data.modes import UnfitImage, to_rgb
from fgir.study import GREY, Colour
from fgir.utils.errors import FgirError
from fgir.utils.progress import inform
from fgir.utils.words import counted

_PLUGINS = {"pillow_heif": "register_heif_opener", "pillow_avif": None}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_KINDS = {
    (b"<!doctype html", b"<html", b"<head", b"<body"): "a web page",
    (b"<svg",): "an SVG drawing",
    (b"<?xml",): "XML",
    (b"{", b"["): "JSON or other text",
    (b"%pdf",): "a PDF file",
    (b"pk\x03\x04",): "a zip file",
    (b"version https://git-lfs",): "a pointer of Git LFS, whose file was not fetched: git lfs pull",
}
# The modules that warn of single images.
_OF_IMAGES = r"PIL\.|fgir\.data\.modes"
_reading = threading.local()


def decode(
    path: Path, background: Colour = GREY, content: bytes | None = None, least: int | None = None
) -> Image.Image:
    """Return an image file as upright RGB (fgir/data/modes.py); ``content``: its bytes, where they were read already.

    ``least``: a JPEG file may be decoded at a half, a quarter or an eighth of its size whose sides are no less pixels.
    Raises FgirError naming the file where it is missing, empty, truncated, no image, or holds values that are none.
    """
    _add_plugins()
    _reading.path = path
    try:
        with Image.open(path if content is None else BytesIO(content)) as image:
            if least is not None:
                image.draft(None, (least, least))
            return to_rgb(image, background)
    except Image.DecompressionBombError:
        raise FgirError(
            f"{path} has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, too many to be read; scale it down, "
            "or remove it from the dataset."
        ) from None
    except UnfitImage as error:
        raise FgirError(f"{path} {error}, or remove it from the dataset.") from None
    except OSError as error:
        if error.errno is None:
            raise not_whole(path, error) from None
        raise missing(path, error) from None
    # The decoders raise nearly anything at damaged bytes: SyntaxError, ValueError, struct.error, …
    except Exception as error:
        raise not_whole(path, error) from None
    finally:
        _reading.path = None


def missing(path: Path, error: OSError) -> FgirError:
    """Return the error of a file that the system cannot read."""
    return FgirError(f"{path} cannot be read ({error.strerror}); restore it, or remove it from the dataset.")


def not_whole(path: Path, error: Exception) -> FgirError:
    """Return the error of a file that holds no whole image."""
    reason = " ".join(str(error).split())
    if isinstance(error, UnidentifiedImageError):
        reason = _kind(path)
    return FgirError(f"{path} is not a whole image ({reason}); replace it, or remove it from the dataset.")


def _kind(path: Path) -> str:
    """Say what a file is that is no image, by how it begins."""
    with path.open("rb") as stream:
        start = stream.read(256)
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "it is empty"
    if not start.strip(b"\0"):
        return "it begins with zero bytes, as a download or copy that broke off"
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
        return "it is HEIC, which needs the package pillow-heif"
    found = next((kind for signs, kind in _KINDS.items() if head.startswith(signs)), None)
    return f"it is {found}" if found else "unknown format"


@cache
def _add_plugins() -> None:
    for module, register in _PLUGINS.items():
        with suppress(ImportError):
            plugin = import_module(module)
            if register:
                getattr(plugin, register)()


@contextmanager
def counted_warnings(root: Path) -> Iterator[None]:
    """Count what the image library warns of, in all threads, and say it in one line at the end."""
    found: dict[str, set[str]] = defaultdict(set)
    examples: dict[str, str] = {}

    def note(text: str) -> None:
        # Numbers are the image's own: its size, an offset in the file.
        kind = re.sub(r"\d+", "#", text)
        examples.setdefault(kind, text)
        path = _reading.path
        found[kind].add(path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path))

    try:
        with _redirected(note):
            yield
    finally:
        if found:
            kinds = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
            parts = (f"{counted(len(of), 'image')}: {examples[kind]}; e.g. {min(of)}" for kind, of in kinds)
            inform(f"Warnings of the image library. {' | '.join(parts)}")


@contextmanager
def _redirected(note: Any) -> Iterator[None]:
    """Give ``note`` the texts of Pillow's warnings and log while an image is decoded."""
    logger, handler = logging.getLogger("PIL"), logging.Handler(logging.WARNING)
    handler.emit = lambda record: note(record.getMessage()) if _is_reading() else None  # type: ignore[method-assign]
    with warnings.catch_warnings():
        show, propagates, level = warnings.showwarning, logger.propagate, logger.level

        def collect(message: Any, *others: Any, **more: Any) -> None:
            if _is_reading():
                note(str(message))
            else:
                show(message, *others, **more)

        warnings.filterwarnings("always", module=_OF_IMAGES)
        warnings.showwarning = collect
        logger.addHandler(handler)
        logger.propagate = False
        logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.propagate = propagates
            logger.setLevel(level)


def _is_reading() -> bool:
    return getattr(_reading, "path", None) is not None


def silence() -> None:
    """Let Pillow warn of no image: when the manifest was made, its warnings were counted."""
    warnings.filterwarnings("ignore", module=_OF_IMAGES)
    logging.getLogger("PIL").setLevel(logging.ERROR)
