"""Images a second of one core: batches of training crops from the pixel store, against decoding at every reading.

Both ways go through the suite's loader with the same crops and give the same pixels, which is checked. The images are
JPEG files made for the purpose; all files, just written, are in the system's cache, so that no disk is measured.
``--crops fixres`` cuts random resized crops from images in their own aspect, with the paper's change of colours.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from fgir.data.loader import Epoch, normalise, train_batches
from fgir.data.parts import Part
from fgir.data.pixels import DecodedImages, Images, write_store
from fgir.data.stored import open_store
from fgir.results.parquet import write_rows
from fgir.specs import PixelsSpec
from fgir.study.geometry import CROPS, Geometry, geometry_of, resized_side, side_of, store_name
from fgir.utils.devices import choose_device, conditions
from fgir.workflow.models import IMAGENET_MEAN, IMAGENET_STD


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        stored, decoded = make_images(Path(folder), options)
        check_same_pixels(stored, decoded, options)
        list(batches(stored, 0, options))
        # Interleaved, so that whatever else the machine does weighs on both alike.
        rates = [(rate(stored, epoch, options), rate(decoded, epoch, options)) for epoch in range(options.repeats)]
        normalised = [rate(stored, epoch, options, normalised=True) for epoch in range(options.repeats)]
    report(rates, normalised, options)


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--images", type=int, default=96, help="number of images")
    parser.add_argument("--width", type=int, default=500, help="width of an image file, pixels")
    parser.add_argument("--height", type=int, default=400, help="height of an image file, pixels")
    parser.add_argument("--quality", type=int, default=90, help="JPEG quality")
    parser.add_argument("--size", type=int, default=224, help="side of a crop, pixels")
    parser.add_argument("--crops", choices=CROPS, default="square", help="kind of crops")
    parser.add_argument("--shorter-side", type=int, help="bound of the images of which resized crops are cut, pixels")
    parser.add_argument("--batch-size", type=int, default=8, help="images a batch")
    parser.add_argument("--repeats", type=int, default=9, help="epochs timed each way; medians are printed")
    return parser.parse_args()


def geometry(options: argparse.Namespace) -> Geometry:
    """The transforms of the crops."""
    side = resized_side(options.size, crops=options.crops)
    return geometry_of(options.size, side, options.crops, shorter_side=options.shorter_side)


def make_images(folder: Path, options: argparse.Namespace) -> tuple[Images, Images]:
    """Write JPEG files, their split and their pixel store; open them both ways."""
    paths = []
    for number in range(options.images):
        paths.append(f"{number}.jpg")
        photograph(options.width, options.height, number).save(folder / paths[-1], quality=options.quality)
    row = {"label": 0, "part": "train", "rule": "benchmark"}
    write_rows("split", [{"image": i, "path": path, **row} for i, path in enumerate(paths)], folder / "split.parquet")
    start = geometry(options).start
    side = side_of(start)
    spec = PixelsSpec(recipe=1, dataset="benchmark", side=side, transform="" if side else str(start))
    store = folder / f"{store_name(start)}{'.npy' if side else '.ragged'}"
    write_store(spec, folder, folder / "split.parquet", store, 1)
    return open_store(store, len(paths), start), DecodedImages(folder, paths, start)


def photograph(width: int, height: int, seed: int) -> Image.Image:
    """Blobs of colour with fine grain: a JPEG file of about the size of a photograph's."""
    generator = np.random.default_rng(seed)
    blobs = Image.fromarray(generator.integers(0, 256, (24, 30, 3), dtype=np.uint8))
    smooth = blobs.resize((width, height), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))
    grain = generator.normal(0, 6, (height, width, 1))
    return Image.fromarray((np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8))


def batches(images: Images, epoch: int, options: argparse.Namespace):
    """One epoch through the suite's loader, in this process."""
    rows = np.arange(options.images)
    part = Part(images, np.zeros_like(rows), rows, rows)
    return train_batches(part, geometry(options).train, Epoch(0, epoch, options.batch_size))


def check_same_pixels(stored: Images, decoded: Images, options: argparse.Namespace) -> None:
    """Stop unless both ways give the same batches."""
    for (one, _), (other, _) in zip(batches(stored, 0, options), batches(decoded, 0, options), strict=True):
        if not torch.equal(one, other):
            raise SystemExit("The pixel store and decoding give different pixels.")


def rate(images: Images, epoch: int, options: argparse.Namespace, normalised: bool = False) -> float:
    """Images a CPU second of one epoch, with or without normalisation to float32; others' load does not count."""
    count, start = 0, time.process_time()
    for batch, _ in batches(images, epoch, options):
        if normalised:
            normalise(batch, IMAGENET_MEAN, IMAGENET_STD, torch.device("cpu"))
        count += len(batch)
    return count / (time.process_time() - start)


def report(rates: list[tuple[float, float]], normalised: list[float], options: argparse.Namespace) -> None:
    """Print the medians, their ratio and the conditions."""
    stored, decoded = (statistics.median(way) for way in zip(*rates, strict=True))
    ratios = [one / other for one, other in rates]
    facts = conditions(choose_device(), "fp32")
    print(f"from the pixel store:           {stored:8.0f} images/s a core")
    print(f"decoded at every reading:       {decoded:8.0f} images/s a core")
    print(f"ratio, same pixels:             {statistics.median(ratios):8.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
    print(f"pixel store, normalised too:    {statistics.median(normalised):8.0f} images/s a core")
    print(
        f"conditions: {options.images} JPEG files of {options.width}x{options.height} (quality {options.quality}), "
        f"{options.crops} crops by {geometry(options).train}, batch {options.batch_size}, CPU time "
        f"of one process and thread, files cached, median of {options.repeats} epochs each way in turn; "
        f"{facts['device']}, torch {facts['torch']}, fgir {facts['fgir']}"
    )


if __name__ == "__main__":
    main()
