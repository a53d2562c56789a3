"""The files of a small training, and its spec."""

from pathlib import Path
from typing import Any

from fgir.catalogue import NoWeights, Typefaces
from fgir.data.manifest import write_manifest, write_source
from fgir.data.pixels import write_store
from fgir.data.sources.registry import acquire
from fgir.data.split import write_split
from fgir.models.weights import write_weights
from fgir.specs import ModelSpec, PixelsSpec, RunSpec, SourceSpec, SplitSpec, WeightsSpec
from fgir.study import GREY, CalOptions, Regime, TrainingOptions
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
            licence="",
            archives=str(folder),
        )
        write_weights(weights, self.weights)

    def inputs(self, folder: Path) -> Inputs:
        return Inputs(self.split, self.weights, self.pixels, folder / "work", workers=0)


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
