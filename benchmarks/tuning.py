"""Search of a frozen backbone's learning rate: the published five candidates one after the other, against one pass.

Each search is the suite's own, from the weights file to the rows of the candidates: the model is built, the head
trained and judged on val. The rows of both ways are checked to be equal. The images are rendered typefaces and the
weights random, which costs the same arithmetic as any others; nothing is downloaded. What five jobs would take to
start and to import torch is not counted.
"""

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from rich.progress import track

from fgir.data.manifest import write_manifest, write_source
from fgir.data.pixels import write_store
from fgir.data.sources.registry import acquire
from fgir.data.split import write_split
from fgir.models.weights import write_weights
from fgir.results.parquet import read_rows
from fgir.specs import SearchSpec
from fgir.study import Search, load_study
from fgir.study.geometry import resized_side
from fgir.training.train import Inputs, train_candidates
from fgir.utils.devices import choose_device, conditions
from fgir.workflow.specs import Specs


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        specs = study(folder, options)
        inputs = prepare(specs, folder, options.size)
        rates = specs.rates("typefaces", "frozen")
        whole, *single = (
            specs.search(Search("typefaces", "net", "frozen", options.size), some)
            for some in (rates, *([r] for r in rates))
        )
        search(single[:1], inputs, folder)  # Files and libraries are read for the first time.
        times = []
        # In turn, so that whatever else the machine does weighs on both alike.
        for _ in track(range(options.repeats), description="Searching", transient=True):
            alone, rows = search(single, inputs, folder)
            together, shared = search([whole], inputs, folder)
            if rows != shared:
                raise SystemExit("The candidates trained together are not those trained alone.")
            times.append((alone, together))
    report(times, options)


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0.in1k", help="timm tag; random weights")
    parser.add_argument("--size", type=int, default=224, help="side of an image, pixels")
    parser.add_argument("--classes", type=int, default=12, help="typefaces")
    parser.add_argument("--images", type=int, default=40, help="images a class: four fifths train, the others val")
    parser.add_argument("--epochs", type=int, default=2, help="epochs of a search")
    parser.add_argument("--repeats", type=int, default=3, help="searches each way, in turn; medians are printed")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    return parser.parse_args()


def study(folder: Path, options: argparse.Namespace) -> Specs:
    """The specs of a study of the typefaces with the published protocol but for its epochs."""
    letters = {"source": "typefaces", "classes": options.classes, "train_val_per_class": options.images}
    (folder / "datasets.yaml").write_text(yaml.safe_dump({"typefaces": letters}))
    net = {"timm": options.backbone, "weights": {"source": "none"}}
    (folder / "backbones.yaml").write_text(yaml.safe_dump({"net": net}))
    content: dict[str, Any] = {"name": "benchmark", "datasets": ["typefaces"], "backbones": ["net"]}
    content |= {"archives": str(folder), "tuning": {"epochs": options.epochs}}
    content |= {f"{kind}_file": str(folder / f"{kind}.yaml") for kind in ("datasets", "backbones")}
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return Specs(load_study(folder / "study.yaml"))


def prepare(specs: Specs, folder: Path, size: int) -> Inputs:
    """Make the files that a search reads."""
    inputs = Inputs(folder / "split", folder / "weights", folder / "pixels.npy", folder / "work", workers=0)
    source = specs.source("typefaces")
    root = acquire(source)
    write_source(source, root, folder / "source.json")
    write_manifest(source, root, folder / "manifest")
    write_split(specs.split("typefaces"), folder / "manifest", inputs.split)
    write_store(specs.pixels("typefaces", resized_side(size)), root, inputs.split, inputs.images, 1)
    write_weights(specs.weights("net"), inputs.weights)
    return inputs


def search(jobs: list[SearchSpec], inputs: Inputs, folder: Path) -> tuple[float, list[dict[str, Any]]]:
    """Seconds of the jobs of one search, and their rows without what each says of its time."""
    seconds, rows = 0.0, []
    for job in jobs:
        start = time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()):  # A line an epoch.
            train_candidates(job, inputs, folder / "rows")
        seconds += time.perf_counter() - start
        rows += [row | {"seconds": None} for row in read_rows("candidate", folder / "rows")]
    return seconds, rows


def report(times: list[tuple[float, float]], options: argparse.Namespace) -> None:
    """Print the medians, their ratio and the conditions."""
    alone, together = (statistics.median(way) for way in zip(*times, strict=True))
    ratios = [one / other for one, other in times]
    facts = conditions(choose_device(), "auto")
    print(f"five candidates, a pass each:   {alone:8.1f} s")
    print(f"five candidates, one pass:      {together:8.1f} s")
    print(f"ratio, equal rows:              {statistics.median(ratios):8.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(
        f"conditions: {options.backbone}, random weights, {options.size} px, batch 8, {facts['precision']}; "
        f"{options.classes} typefaces with {options.images} images each, {options.epochs} epochs, "
        f"median of {options.repeats} searches each way in turn; {facts['device']}, {facts['threads']} thread(s), "
        f"torch {facts['torch']}, timm {facts['timm']}, fgir {facts['fgir']}"
    )


if __name__ == "__main__":
    main()
