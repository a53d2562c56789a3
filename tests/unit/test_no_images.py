"""Files called images that are something else: said what they are."""

from pathlib import Path

import pytest
from PIL import Image

from fgir.data.decode import decode
from fgir.utils.errors import FgirError

KINDS = [
    (b"<!DOCTYPE html><html>404</html>", "it is a web page"),
    (b"\xef\xbb\xbf\n<HTML>", "it is a web page"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG drawing"),
    (b"%PDF-1.7", "it is a PDF file"),
    (b'{"error": "not found"}', "it is JSON or other text"),
    (b"PK\x03\x04", "it is a zip file"),
    (b"version https://git-lfs.github.com/spec/v1", "it is a pointer of Git LFS"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "it is HEIC, which needs the package pillow-heif"),
    (bytes(4096), "it begins with zero bytes, as a download or copy that broke off"),
    (b"once upon a time", "unknown format"),
]


@pytest.mark.parametrize(("content", "kind"), KINDS)
def test_a_file_that_is_no_image_is_said_to_be_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, kind: str
) -> None:
    monkeypatch.setattr("fgir.data.decode._add_plugins", lambda: None)
    (tmp_path / "a.jpg").write_bytes(content)

    with pytest.raises(FgirError) as error:
        decode(tmp_path / "a.jpg")

    assert f"a.jpg is not a whole image ({kind}" in str(error.value)


def test_an_image_of_too_many_pixels_is_said_to_be_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("1", (30, 30)).save(tmp_path / "scan.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)

    with pytest.raises(FgirError, match=r"scan\.png has more than 200 pixels, too many to be read; scale it down"):
        decode(tmp_path / "scan.png")
