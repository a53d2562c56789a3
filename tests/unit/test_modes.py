"""Images of every mode come out as the RGB that a person would expect to see."""

import json
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fgir.data.decode import counted_warnings, decode
from fgir.data.look import look
from fgir.data.modes import to_rgb
from fgir.data.parts import open_part
from fgir.data.pixels import DecodedImages, write_store
from fgir.data.sources.image import SourceImage
from fgir.data.stored import StoredImages
from fgir.results.parquet import write_rows
from fgir.specs import PixelsSpec
from fgir.study.geometry import square
from fgir.utils.errors import FgirError

RAMP = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
BYTES = (RAMP >> 8).astype(np.uint8)


def saved(path: Path, image: Image.Image | np.ndarray, **options: Any) -> Path:
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(path, **options)
    return path


def tiff(path: Path, values: np.ndarray, order: str = "<", bits: int = 0, width: int = 0, photometric: int = 1) -> Path:
    """Write a TIFF file of one channel as Pillow itself writes none."""
    tags = {256: width or values.shape[1], 257: values.shape[0], 258: bits or 8 * values.itemsize, 259: 1}
    tags |= {262: photometric, 273: 8, 277: 1, 278: values.shape[0], 279: values.nbytes}
    tags[339] = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    padded = values.tobytes() + bytes(values.nbytes % 2)
    directory = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(f"{order}HI", 42, 8 + len(padded))
    path.write_bytes(head + padded + struct.pack(f"{order}H", len(tags)) + directory + bytes(4))
    return path


def pixels(path: Path, *background: Any) -> np.ndarray:
    image = decode(path, *background)
    assert image.mode == "RGB"
    return np.asarray(image)


def grey(path: Path) -> np.ndarray:
    channels = pixels(path)
    assert (channels == channels[..., :1]).all()
    return channels[..., 0]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm", "a.jp2"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, name: str) -> None:
    np.testing.assert_array_equal(grey(saved(tmp_path / name, RAMP)), BYTES)


def test_sixteen_bits_the_other_way_round_are_the_same(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", RAMP.astype(">u2"), order=">")

    np.testing.assert_array_equal(grey(path), BYTES)


def test_twelve_bits_are_scaled_by_their_own_range(tmp_path: Path) -> None:
    # Two values of 12 bits in three bytes.
    values = np.frombuffer(bytes([0xFF, 0xF0, 0x10]), np.uint8)[None]

    path = tiff(tmp_path / "a.tif", values, bits=12, width=2)

    assert grey(path).tolist() == [[255, 1]]


@pytest.mark.parametrize("values", [RAMP, (RAMP / 65535).astype(np.float32)])
def test_where_zero_is_white_the_image_is_no_negative(tmp_path: Path, values: np.ndarray) -> None:
    found = grey(tiff(tmp_path / "a.tif", values, photometric=0))

    assert (found[0, 0], found[-1, -1]) == (255, 0)


def test_mode_i_of_a_png_file_holds_sixteen_bits() -> None:
    # As some versions of Pillow open it.
    image = Image.fromarray(RAMP.astype(np.int32))
    image.format = "PNG"

    np.testing.assert_array_equal(np.asarray(to_rgb(image))[..., 0], BYTES)


def test_thirty_two_bits_are_scaled_by_the_range_of_their_type(tmp_path: Path) -> None:
    signed = saved(tmp_path / "signed.tif", RAMP.astype(np.int32) << 15)
    unsigned = tiff(tmp_path / "unsigned.tif", RAMP.astype(np.uint32) << 16)

    np.testing.assert_array_equal(grey(signed), BYTES)
    np.testing.assert_array_equal(grey(unsigned), BYTES)


def test_floats_count_from_0_to_1(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", np.array([[0, 0.25, 0.5, 1]], np.float32))

    assert grey(path).tolist() == [[0, 64, 128, 255]]


UNFIT = [
    (np.array([[0, 1.5]], np.float32), "holds values from 0 to 1.5, but floating-point images are read from 0 to 1"),
    (np.array([[-0.5, 1]], np.float32), "holds values from -0.5 to 1, but"),
    (np.array([[0, np.nan]], np.float32), "holds values from nan to nan, but"),
    (np.array([[-7, 9]], np.int32), r"holds negative values \(-7\)"),
    (np.array([[0, 4095]], np.int32), "would be black: its largest value is 4095"),
    (np.array([[0, 255]], np.uint16), "would be black: its largest value is 255"),
]


@pytest.mark.parametrize(("values", "message"), UNFIT)
def test_values_that_make_no_picture_are_refused_by_name(tmp_path: Path, values: np.ndarray, message: str) -> None:
    path = saved(tmp_path / "odd.tif", values)

    with pytest.raises(FgirError, match=rf"odd\.tif {message}.*, or remove it from the dataset"):
        decode(path)


def test_an_image_that_is_black_is_read(tmp_path: Path) -> None:
    assert not grey(saved(tmp_path / "a.png", np.zeros((4, 4), np.uint16))).any()


def see_through() -> Image.Image:
    """Red where opaque; green, hidden, where transparent; half of red in the last column."""
    colours = np.zeros((2, 3, 4), np.uint8)
    colours[:, 0], colours[:, 1], colours[:, 2] = (255, 0, 0, 255), (0, 255, 0, 0), (255, 0, 0, 128)
    return Image.fromarray(colours)


def test_what_is_transparent_shows_the_background_and_not_the_hidden_colour(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", see_through())

    assert pixels(path)[0].tolist() == [[255, 0, 0], [128, 128, 128], [192, 64, 64]]
    assert pixels(path, (0, 0, 255))[0].tolist() == [[255, 0, 0], [0, 0, 255], [128, 0, 127]]


@pytest.mark.parametrize(
    ("mode", "name", "options"),
    [
        ("P", "a.png", {"transparency": 3}),
        ("P", "a.png", {"transparency": bytes([255, 255, 255, 0])}),
        ("P", "a.gif", {"transparency": 3}),
        ("RGB", "a.png", {"transparency": (40, 40, 40)}),
        ("L", "a.png", {"transparency": 40}),
        ("LA", "a.png", {}),
        ("RGBA", "a.webp", {"lossless": True}),
        ("RGBA", "a.tif", {}),
    ],
)
def test_every_kind_of_transparency_lies_on_the_background(
    tmp_path: Path, mode: str, name: str, options: dict[str, Any]
) -> None:
    shades = np.array([[0, 40], [40, 250]], np.uint8)
    if mode == "P":
        image = Image.fromarray(np.array([[0, 3], [3, 2]], np.uint8), "P")
        image.putpalette([0, 0, 0, 1, 1, 1, 250, 250, 250, 40, 40, 40])
    elif mode in ("LA", "RGBA"):
        image = Image.fromarray(shades)
        image.putalpha(Image.fromarray(np.where(shades == 40, 0, 255).astype(np.uint8)))
        image = image.convert(mode)
    else:
        image = Image.fromarray(shades).convert(mode)

    assert grey(saved(tmp_path / name, image, **options)).tolist() == [[0, 128], [128, 250]]


def test_a_transparent_shade_of_sixteen_bits_is_found(tmp_path: Path) -> None:
    shades = np.array([[0, 10240], [10241, 64000]], np.uint16)

    path = saved(tmp_path / "a.png", shades, transparency=10240)

    assert grey(path).tolist() == [[0, 128], [40, 250]]


def test_a_transparent_colour_of_sixteen_bits_is_found(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = struct.pack(">x6H", 0x1234, 0x1234, 0x1234, 0xFF00, 0, 0)
    chunks = [
        chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)),
        chunk(b"tRNS", struct.pack(">3H", 0x1234, 0x1234, 0x1234)),
        chunk(b"IDAT", zlib.compress(row)),
        chunk(b"IEND", b""),
    ]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))

    assert pixels(tmp_path / "a.png").tolist() == [[[128, 128, 128], [255, 0, 0]]]


@pytest.mark.filterwarnings("ignore:Several frames")
def test_a_moving_image_gives_its_first_frame(tmp_path: Path) -> None:
    first, second = (Image.new("L", (4, 4), shade) for shade in (200, 30))
    for name in ("a.gif", "a.png", "a.webp"):
        first.save(
            tmp_path / name, save_all=True, append_images=[second], **({"lossless": True} if "webp" in name else {})
        )

        assert (grey(tmp_path / name) == 200).all()


@pytest.mark.parametrize("name", ["a.jpg", "a.jfif", "a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_upright(tmp_path: Path, name: str, orientation: int) -> None:
    upright = Image.new("RGB", (48, 32))
    upright.paste((255, 255, 255), (0, 0, 16, 16))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation

    path = saved(tmp_path / name, stored, exif=exif)

    read = pixels(path)
    assert read.shape == (32, 48, 3)
    assert (read[4:12, 4:12] > 200).all()
    assert (read[20:, 20:] < 50).all()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_metadata_spoils_no_image(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("L", (8, 8), 90), exif=b"Exif\0\0II*\0\xff\xff\xff\xff")

    assert (grey(path) == 90).all()


def test_the_pixels_of_ordinary_photographs_are_those_of_the_image_library(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    for name, mode in (("a.jpg", "RGB"), ("b.jpg", "L"), ("c.jpg", "CMYK"), ("d.png", "P"), ("e.png", "1")):
        path = saved(tmp_path / name, Image.fromarray(colours).convert(mode))

        np.testing.assert_array_equal(pixels(path), np.asarray(Image.open(path).convert("RGB")))


def test_the_background_of_the_spec_is_that_of_the_store(tmp_path: Path) -> None:
    saved(tmp_path / "a.png", Image.new("RGBA", (8, 8)))
    write_rows("split", [{"image": 0, "path": "a.png", "label": 0, "part": "train", "rule": "x"}], tmp_path / "split")

    spec = PixelsSpec(recipe=1, dataset="toy", side=4, background=(1, 2, 3))
    write_store(spec, tmp_path, tmp_path / "split", tmp_path / "4.npy", 1)

    assert (StoredImages(tmp_path / "4.npy")[0] == (1, 2, 3)).all()
    assert (DecodedImages(tmp_path, ["a.png"], square(4), (4, 5, 6))[0] == (4, 5, 6)).all()


def test_images_decoded_at_every_reading_lie_on_the_background_too(tmp_path: Path) -> None:
    saved(tmp_path / "a.png", Image.new("RGBA", (8, 8)))
    write_rows("split", [{"image": 0, "path": "a.png", "label": 0, "part": "test", "rule": "x"}], tmp_path / "split")
    (tmp_path / "source.json").write_text(json.dumps({"root": str(tmp_path)}))

    part = open_part("test", tmp_path / "split", square(4), tmp_path / "source.json", (1, 2, 3))

    assert (part.images[0] == (1, 2, 3)).all()


def test_warnings_of_the_image_library_become_one_counted_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        saved(tmp_path / f"dark{number}.png", np.array([[0, 300 + number]], np.uint16))
        saved(tmp_path / f"spoilt{number}.jpg", Image.new("L", (8, 8)), exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    images = [SourceImage(path.name, "x", None) for path in sorted(tmp_path.iterdir())]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look(tmp_path, images)

    lines = [line for line in capsys.readouterr().err.splitlines() if "Warnings" in line]
    assert len(lines) == 1
    assert "3 images: Dark: less than a sixteenth" in lines[0]
    assert "e.g. dark0.png" in lines[0]
    assert "e.g. spoilt0.jpg" in lines[0]


def test_other_warnings_are_let_through(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="of something else"), counted_warnings(tmp_path):
        warnings.warn("of something else", stacklevel=1)
