"""A tiny study, run for real by Snakemake in a folder of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from fgir.study import study_of
from fgir.workflow.graph import Graph
from fgir.workflow.specs import Specs

ROOT = Path(__file__).parents[2]

STUDY: dict[str, Any] = {
    "name": "tiny",
    "datasets": ["letters"],
    "backbones": ["net"],
    "settings": ["frozen", "cal", "cal_nc"],
    "train_sizes": [64],
    "seeds": [1],
    "data": {"split_rule": "stratified"},
    "training": {"epochs": 1, "batch_size": 4, "warmup_steps": 1, "cal": {"attention_maps": 4}},
    "tuning": {"learning_rates": {"frozen": [0.1, 0.01], "cal": [0.01]}},
    # Any spread is steady: what else runs must not make the tests longer.
    "timing": {"repeats": 4, "warmup": 1, "batch_size": 2, "tolerance": 1000},
}
DATASETS = {
    "letters": {
        "source": "typefaces",
        "classes": 3,
        "train_val_per_class": 6,
        "test_per_class": 3,
        "size": 48,
    }
}
# What every training of the study reads.
INPUTS = (
    "results/data/letters/split.parquet",
    "results/data/letters/pixels/85.npy",
    "results/weights/net.safetensors",
    "results/tuning/letters/net/frozen/64/best.parquet",
)
BACKBONES = {"net": {"timm": "test_efficientnet.r160_in1k", "weights": {"source": "none"}}}


class Bench:
    """A folder with a study, and Snakemake to run it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, study: dict[str, Any], **catalogues: dict[str, Any]) -> None:
        """Write the study, and the catalogues that are named (datasets, backbones)."""
        (self.folder / "config").mkdir(exist_ok=True)
        self.study.write_text(yaml.safe_dump(study, sort_keys=False))
        for name, content in ({"datasets": DATASETS, "backbones": BACKBONES} | catalogues).items():
            (self.folder / "config" / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))

    def copied(self, folder: Path, **changes: Any) -> "Bench":
        """Copy the folder, with Snakemake's books and the files' times; ``changes`` are keys of the copy's study."""
        shutil.copytree(self.folder, folder, symlinks=True)
        bench = Bench(folder)
        if changes:
            bench.write(STUDY | changes)
        return bench

    @property
    def study(self) -> Path:
        return self.folder / "config" / "study.yaml"

    def graph(self, study: dict[str, Any]) -> Graph:
        """Return the graph of jobs of a study of this folder, with absolute paths."""
        kinds = ("datasets", "backbones", *(["adaptations"] if "adaptations" in study else []))
        files = {f"{kind}_file": str(self.folder / f"config/{kind}.yaml") for kind in kinds}
        return Graph(Specs(study_of(study | files | {"results": str(self.folder / "results")}, "here")))

    def snakemake(self, *arguments: str, checkout: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Run the Snakemake of a checkout on the study; its output and errors in one text."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(checkout / "workflow" / "Snakefile")]
        command += ["--directory", str(self.folder), "--configfile", str(self.study), "--cores", "2", "--keep-going"]
        return subprocess.run(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )

    def fgir(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the fgir command in the folder of the study; its output and errors in one text."""
        return subprocess.run(
            [sys.executable, "-m", "fgir", *arguments],
            cwd=self.folder,
            env={**(environment or os.environ), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def plan(self, *arguments: str) -> dict[str, int]:
        """Jobs by rule of a dry run."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout
        return jobs_by_rule(done.stdout)


def jobs_by_rule(output: str) -> dict[str, int]:
    """The job table that Snakemake prints."""
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", output, re.MULTILINE | re.DOTALL)
    if table is None:
        return {}
    return {rule: int(count) for rule, count in (line.split() for line in table[1].splitlines())}
