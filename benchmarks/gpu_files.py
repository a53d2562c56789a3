"""The files of small trainings on rendered typefaces, with random weights: what gpu*.py and tests/gpu train."""

import sys
from pathlib import Path
from typing import Any

import yaml

from fgir.data.manifest import write_manifest, write_source
from fgir.data.pixels import write_store
from fgir.data.sources.registry import acquire
from fgir.data.split import write_split
from fgir.models.weights import write_weights
from fgir.specs import EvaluationSpec, RunSpec, TimingSpec, canonical
from fgir.study import CostPoint, Regime, Run, Setting, study_of
from fgir.training.train import Inputs
from fgir.workflow.specs import Specs

ROOT = Path(__file__).parents[1]


class Files:
    """A study of ``backbones`` (name: timm tag) on one dataset of typefaces, its files made below ``folder``."""

    def __init__(self, folder: Path, backbones: dict[str, str], size: int, per_class: int, **training: Any) -> None:
        self.folder, self.size = folder, size
        folder.mkdir(parents=True, exist_ok=True)
        self.specs = Specs(study_of(self._study(backbones, per_class, training), "benchmark"))
        self.split, self.pixels = folder / "split.parquet", folder / "pixels.npy"
        source = self.specs.source("letters")
        root = acquire(source)
        write_source(source, root, folder / "source.json")
        write_manifest(source, root, folder / "manifest.parquet")
        write_split(self.specs.split("letters"), folder / "manifest.parquet", self.split)
        some = self.run(next(iter(backbones)), "finetuned")
        write_store(self.specs.pixels("letters", some.side), root, self.split, self.pixels, 4)

    def _study(self, backbones: dict[str, str], per_class: int, training: dict[str, Any]) -> dict[str, Any]:
        letters = {"source": "typefaces", "classes": 12, "train_val_per_class": per_class, "test_per_class": 2}
        entries = {name: {"timm": tag, "weights": {"source": "none"}} for name, tag in backbones.items()}
        self._write("datasets.yaml", {"letters": letters | {"size": max(self.size, 64)}})
        self._write("backbones.yaml", entries)
        return {
            "name": "gpu",
            "datasets": ["letters"],
            "backbones": list(backbones),
            "train_sizes": [self.size],
            "archives": str(self.folder / "archives"),
            "datasets_file": str(self.folder / "datasets.yaml"),
            "backbones_file": str(self.folder / "backbones.yaml"),
            "training": {"warmup_steps": 5, **training},
        }

    def _write(self, name: str, content: dict[str, Any]) -> None:
        (self.folder / name).write_text(yaml.safe_dump(content))

    def weights(self, backbone: str) -> Path:
        """Return the file of a backbone's weights, made now if it is not there."""
        path = self.folder / f"{backbone}.safetensors"
        if not path.exists():
            write_weights(self.specs.weights(backbone), path)
        return path

    def run(self, backbone: str, regime: Regime, rate: float = 0.01, seed: int = 1, **training: Any) -> RunSpec:
        """Return the spec of a training, with options of its own."""
        spec = self.specs.run(Run("letters", backbone, regime, self.size, seed))
        options = spec.training.model_copy(update=training)
        return spec.model_copy(update={"learning_rate": rate, "training": options})

    def evaluation(self, run: RunSpec, **changes: Any) -> EvaluationSpec:
        """Return the spec of a run's evaluations."""
        spec = self.specs.evaluation(Run("letters", run.model.backbone, run.regime, self.size, run.seed), self.size)
        return spec.model_copy(update=changes)

    def timing(self, backbone: str, setting: Setting, **options: Any) -> TimingSpec:
        """Return the spec of a timing, with options of its own."""
        spec = self.specs.timing(CostPoint.of(backbone, setting, self.size, 12))
        return spec.model_copy(update={"timing": spec.timing.model_copy(update=options)})

    def inputs(self, run: RunSpec, folder: Path, workers: int = 0) -> Inputs:
        """Return the files of a training whose state is kept below ``folder``."""
        return Inputs(self.split, self.weights(run.model.backbone), self.pixels, folder / "work", workers)

    def command(self, run: RunSpec, folder: Path, threads: int = 1) -> list[str]:
        """Return the command of a training, as the workflow words it; its results go to ``folder``."""
        options = ["--spec", canonical(run), "--split", self.split, "--weights", self.weights(run.model.backbone)]
        options += ["--images", self.pixels, "--work", folder / "work", "--threads", threads, "--out", folder]
        return [sys.executable, "-m", "fgir", "train", *map(str, options)]
