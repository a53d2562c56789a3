"""The files of a small training, and its spec."""

import signal
import time
from pathlib import Path
from typing import Any

from started import Ended, Started

from fgir.data.manifest import write_manifest, write_source
from fgir.data.pixels import write_store
from fgir.data.sources.registry import acquire
from fgir.data.split import write_split
from fgir.models.weights import write_weights
from fgir.specs import ModelSpec, PixelsSpec, RunSpec, SearchSpec, SourceSpec, SplitSpec, WeightsSpec, canonical
from fgir.study import GREY, CalOptions, Regime, TrainingOptions
from fgir.study.catalogue import NoWeights, Typefaces
from fgir.training.train import Inputs

MODEL = ModelSpec(
    backbone="net", timm="test_efficientnet.r160_in1k", pool=None, mean=None, std=None, weights="none (random)"
)


class TrainingFiles:
    """The inputs of a training, made once."""

    def __init__(self, folder: Path) -> None:
        entry = Typefaces(source="typefaces", classes=3, train_val_per_class=16, test_per_class=2, size=48)
        source = SourceSpec(recipe=1, dataset="letters", entry=entry, archives=str(folder / "archives"))
        root = acquire(source)
        self.source, self.split = folder / "source.json", folder / "split.parquet"
        self.pixels, self.weights = folder / "pixels.npy", folder / "weights.safetensors"
        write_source(source, root, self.source)
        write_manifest(source, root, folder / "manifest.parquet")
        split = SplitSpec(
            recipe=1,
            dataset="letters",
            classes=3,
            train_val=None,
            test=None,
            test_fraction=None,
            test_seed=0,
            train=None,
            val=None,
            val_part="first",
            leaks="refuse",
            limit_per_class=None,
            split_rule="first",
            train_fraction=0.8,
            split_seed=0,
        )
        write_split(split, folder / "manifest.parquet", self.split)
        write_store(PixelsSpec(recipe=1, dataset="letters", side=72), root, self.split, self.pixels, 1)
        weights = WeightsSpec(
            recipe=1,
            backbone="net",
            timm=MODEL.timm,
            weights=NoWeights(source="none"),
            archives=str(folder),
        )
        write_weights(weights, self.weights)

    def inputs(self, folder: Path) -> Inputs:
        return Inputs(self.split, self.weights, self.pixels, folder / "work", workers=0)

    def arguments(self, run: RunSpec | SearchSpec, folder: Path, **more: object) -> list[str]:
        """What fgir is started with to train in ``folder``: a run into it, or a search into candidates.parquet."""
        verb, out = ("train", folder) if isinstance(run, RunSpec) else ("tune", folder / "candidates.parquet")
        options: dict[str, object] = {"spec": canonical(run), "split": self.split, "weights": self.weights}
        options |= {"images": self.pixels, "work": folder / "work", "out": out} | more
        return [verb, *(word for name, value in options.items() for word in (f"--{name}", str(value)))]


def spec(regime: Regime = "cal", rate: float = 0.01, epochs: int = 6, **options: Any) -> RunSpec:
    training = TrainingOptions(epochs=epochs, batch_size=4, warmup_steps=3, cal=CalOptions(attention_maps=4), **options)
    return RunSpec(
        recipe=1,
        dataset="letters",
        classes=3,
        model=MODEL,
        regime=regime,
        train_size=64,
        side=72,
        seed=1,
        part="train_val",
        learning_rate=rate,
        pixels="store",
        pixels_recipe=1,
        background=GREY,
        training=training,
    )


def stopped(process: Started, folder: Path, number: signal.Signals, pause: float = 0.0) -> Ended:
    """Send the signal ``pause`` seconds after the process has saved a state of its own, and wait for its end."""
    state, begun = folder / "work" / "newest.state", time.time()
    while process.poll() is None and not (state.exists() and state.stat().st_mtime > begun):
        time.sleep(0.01)
    time.sleep(pause)
    process.send_signal(number)
    return process.ended()
