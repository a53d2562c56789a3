"""Add one of everything, as docs/architecture.md says under "Where to add", and run a whole study with it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas
import pytest
from tiny import ROOT, STUDY, Bench, jobs_by_rule

# Fine-tuned, by a loss that is seen to be another.
LIFTED = """
from torch.nn import functional as F

from fgir.methods.finetuned import build

__all__ = ["build", "loss"]


def loss(model, images, labels):
    logits = model(images)
    return 100 + F.cross_entropy(logits, labels), logits
"""
# The image and its mirror.
MIRRORED = """
import torch


def views(model, images):
    return torch.stack([model(images), model(images.flip(3))])
"""
# The share of images whose class is among the two most probable.
TOP2 = """
from fgir.evaluation.ranking import percent


def figure(predicted):
    return percent((predicted.ranked[:, :2] == predicted.labels[:, None]).any(dim=1))
"""
# The best setting of each dataset.
WINNERS = """
def add_verbs(verbs):
    verb = verbs.add_parser("winners", help="print the best setting of each dataset")
    verb.set_defaults(run=_print)


def _print(options):
    import pandas

    summary = pandas.read_parquet("results/summary.parquet")
    best = summary.loc[summary.groupby("dataset").top1.idxmax()]
    print(best[["dataset", "setting"]].to_string(index=False))
"""
ADDED: dict[str, Any] = STUDY | {
    "datasets": ["more"],
    "backbones": ["vit"],
    "settings": ["lifted", "lifted+mirrored"],
    "tuning": {"learning_rates": {"lifted": [0.01]}},
}
DATASET = {"source": "typefaces", "classes": 3, "train_val_per_class": 6, "test_per_class": 3, "size": 48}
BACKBONE = {"timm": "test_vit.r160_in1k", "weights": {"source": "none"}}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout with a method, a protocol, a metric and a table more."""
    copy = tmp_path / "checkout"
    for folder in ("fgir", "workflow"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "environment.yml", copy)
    add_line(copy / "fgir/study/methods.py", 'Method("finetuned", _RATES),', 'Method("lifted", _RATES),')
    (copy / "fgir/methods/lifted.py").write_text(LIFTED)
    centre = 'Protocol("centre", views=1),'
    add_line(copy / "fgir/study/protocols.py", centre, 'Protocol("mirrored", views=2, begins_with="centre"),')
    (copy / "fgir/evaluation/protocols/mirrored.py").write_text(MIRRORED)
    (copy / "fgir/evaluation/metrics/top2.py").write_text(TOP2)
    add_line(copy / "fgir/results/metrics.py", "METRICS = (", 'Metric("top2", "of the two most probable", "mean, %"),')
    schema = copy / "fgir/results/columns/__init__.py"
    schema.write_text(re.sub(r"^SCHEMA = \d+", "SCHEMA = 1000", schema.read_text(), flags=re.MULTILINE))
    (copy / "fgir/report/tables/winners.py").write_text(WINNERS)
    add_line(copy / "fgir/cli/main.py", "_VERBS = (", '"fgir.report.tables.winners",')
    return copy


def add_line(file: Path, after: str, line: str) -> None:
    text = file.read_text()
    assert text.count(after) == 1
    file.write_text(text.replace(after, f"{after}\n        {line}"))


def fgir(bench: Bench, checkout: Path, verb: str) -> str:
    command, environment = [sys.executable, "-m", "fgir", verb], os.environ | {"PYTHONPATH": str(checkout)}
    return subprocess.run(command, cwd=bench.folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_one_more_of_everything_goes_through_a_whole_study(checkout: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path / "study")
    bench.folder.mkdir()
    bench.write(ADDED, datasets={"more": DATASET}, backbones={"vit": BACKBONE})

    done = bench.snakemake("all", checkout=checkout)

    assert done.returncode == 0, done.stdout
    cells = pandas.read_parquet(bench.folder / "results/summary.parquet").set_index("setting")
    plain, mirrored = cells.loc["lifted"], cells.loc["lifted+mirrored"]
    assert (plain.status, mirrored.status) == ("ok", "ok")
    assert (plain.views, mirrored.views) == (1, 2)
    assert mirrored.macs_image == 2 * plain.macs_image
    # One training, by the method's own loss, and one job for both of its evaluations.
    run = bench.folder / "results/runs/more/vit/lifted/64/seed1/train.parquet"
    assert pandas.read_parquet(run).train_loss.item() > 100
    assert sum(count for rule, count in jobs_by_rule(done.stdout).items() if rule.startswith("evaluate")) == 1
    assert (cells.top2 >= cells.top1).all()
    assert fgir(bench, checkout, "winners").split()[2] == "more"
