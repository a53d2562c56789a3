"""Adapting a classifier: what it reads of each image computed once, against the images through the network each epoch.

Both ways are the suite's own job, from the run's model to the adapted tensors, which are checked to be equal but for
rounding. The plain way is measured over few epochs, each of which costs the same, and its time for all is theirs in
proportion. Seconds are those of the processor, so that what else the machine does weighs on neither. The images are
rendered typefaces and the weights random, which costs the same arithmetic as any others; nothing is downloaded.
"""

import argparse
import contextlib
import io
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from tuning import prepare, study

from fgir.adaptation.adapt import adapt
from fgir.results.parquet import read_row
from fgir.specs import AdaptationSpec
from fgir.study import Adapted, Run
from fgir.study.adaptations import Adaptation
from fgir.training.train import Inputs, train_run
from fgir.utils.devices import choose_device, conditions
from fgir.workflow.specs import Specs

_EPOCHS = 56  # of FixRes' ResNet-50, as released
_PLAIN = 2


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        specs = study(folder, options)
        inputs = prepare(specs, folder, options.size)
        run = trained(specs, inputs, folder, options.size)
        again = inputs._replace(weights=run / "model.safetensors")
        # The first one reads files and libraries for the first time.
        seconds(spec(specs, options, 1, cached=True), run, again, folder / "first")
        cached = seconds(spec(specs, options, _EPOCHS, cached=True), run, again, folder / "cached")
        # A job of no more than a pass and a start, to be taken from both.
        one = seconds(spec(specs, options, 1, cached=False), run, again, folder / "one")
        some = seconds(spec(specs, options, 1 + _PLAIN, cached=False), run, again, folder / "some")
        check(specs, options, run, again, folder)
        passes = read_row("adapt", folder / "cached" / "adapt.parquet")["passes"]
    report(cached, one, (some - one) / _PLAIN, passes, options)


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0.in1k", help="timm tag; random weights")
    parser.add_argument("--size", type=int, default=224, help="side of an image, pixels")
    parser.add_argument("--classes", type=int, default=12, help="typefaces")
    parser.add_argument("--images", type=int, default=40, help="training images a class")
    parser.add_argument("--batch", type=int, default=32, help="images a step")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.set_defaults(epochs=1)
    return parser.parse_args()


def trained(specs: Specs, inputs: Inputs, folder: Path, size: int) -> Path:
    """Train a frozen run for an epoch; return its folder."""
    run = specs.run(Run("typefaces", "net", "frozen", size, 1))
    options = run.training.model_copy(update={"epochs": 1, "batch_size": 32})
    with contextlib.redirect_stderr(io.StringIO()):
        train_run(run.model_copy(update={"learning_rate": 0.1, "training": options}), inputs, None, folder / "run")
    return folder / "run"


def spec(specs: Specs, options: argparse.Namespace, epochs: int, cached: bool) -> AdaptationSpec:
    """The spec of an adaptation of the classifier, on features or on images."""
    how = Adaptation(part="classifier", epochs=epochs, batch_size=options.batch, features_gb=50 if cached else 0)
    specs.study.adaptation_entries["benchmark"] = how
    return specs.adaptation(Adapted("typefaces", "net", "frozen", options.size, options.size, 1, "benchmark"))


def seconds(spec: AdaptationSpec, run: Path, inputs: Inputs, out: Path) -> float:
    """Seconds of the processor of a whole job."""
    before = time.process_time()
    with contextlib.redirect_stderr(io.StringIO()):  # A line an epoch.
        adapt(spec, run, inputs._replace(work=out / "work"), out)
    return time.process_time() - before


def check(specs: Specs, options: argparse.Namespace, run: Path, inputs: Inputs, folder: Path) -> None:
    """End unless both ways come to the same tensors, but for rounding."""
    seconds(spec(specs, options, 1 + _PLAIN, cached=True), run, inputs, folder / "same")
    ways = [load_file(folder / way / "adapted.safetensors") for way in ("some", "same")]
    torch.testing.assert_close(*ways, rtol=1e-4, atol=1e-5)


def report(cached: float, one: float, epoch: float, passes: int, options: argparse.Namespace) -> None:
    """Print the figures and the conditions."""
    facts, start = conditions(choose_device(), "auto"), one - epoch
    plain = start + _EPOCHS * epoch
    print(f"{_EPOCHS} epochs, features computed once: {cached:8.1f} s of the processor, start included")
    print(f"{_EPOCHS} epochs, images each time:       {plain:8.1f} s, of {_PLAIN} epochs")
    alone = _EPOCHS * epoch / (cached - start)
    print(f"ratio, equal but for rounding:     {plain / cached:8.1f}; without the start {alone:.1f}")
    print(f"passes over the {passes:,} images:     {(cached - start) / epoch:8.2f}, without the start of {start:.1f} s")
    print(
        f"conditions: {options.backbone}, random weights, {options.size} px, batch {options.batch}, "
        f"{facts['precision']}; {options.classes} typefaces with {options.images} images each; {facts['device']}, "
        f"{facts['threads']} thread(s), torch {facts['torch']}, timm {facts['timm']}, fgir {facts['fgir']}"
    )


if __name__ == "__main__":
    main()
