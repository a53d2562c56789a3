"""Time the merging of many one-row files into the summary, beside pandas.concat on the same files.

The files are those of a study of one dataset: for every cell an evaluation and a training a seed, and for every cost
point MACs and timing. Target: 10,000 files in 6 s or less on 2 cores.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from rich.progress import track

from fgir.results.aggregate import write_tables
from fgir.results.parquet import read_table, write_rows
from fgir.specs import CellSpec
from fgir.study import COSTS_AS, REGIME_OF, SETTINGS, VIEWS, Cell, CostPoint, Run
from fgir.study.address import MACS, METRICS, TIMING, TRAIN, fill

SEEDS = [1, 10, 100]
SIZE, CLASSES = 224, 200
CONDITIONS = {"device": "a GPU", "driver": "13.0", "precision": "fp16", "memory_format": "channels_last", "threads": 8}
VERSIONS = {"torch": "2.14.1", "timm": "1.0.31", "fgir": "0.1.0"}
OK = {"status": "ok", "weights": "package a-backbone 1.0"}
FILES_A_BACKBONE = (len(SETTINGS) + len(set(REGIME_OF.values()))) * len(SEEDS) + len(set(COSTS_AS.values())) * 2


def main() -> None:
    """Make the files, time both ways, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, help="at least this many one-row files (default 10000)")
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many is reported (default 3)")
    parser.add_argument("--folder", type=Path, help="where the files are made for the time (default: a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        backbones = [f"backbone{number}" for number in range(-(-options.files // FILES_A_BACKBONE))]
        files = make_results(backbones, Path(folder))
        report(backbones, Path(folder), files, options.repeats)


def report(backbones: list[str], results: Path, files: list[Path], repeats: int) -> None:
    """Time and print."""
    specs = [cell_spec(backbone, setting) for backbone, setting in product(backbones, SETTINGS)]
    evaluations, summary = results / "evaluations.parquet", results / "summary.parquet"
    ours, our_cpu = best_of(repeats, lambda: write_tables(specs, results, evaluations, summary))
    theirs, their_cpu = best_of(repeats, lambda: concatenate(files))
    rows = read_table("summary", summary)
    if set(rows["status"].to_pylist()) != {"ok"} or rows.num_rows != len(specs):
        sys.exit("The summary is not whole: the time means nothing.")
    print(f"{len(files)} one-row files into {rows.num_rows} rows of the summary: {ours:.2f} s ({our_cpu:.2f} s of CPU)")
    print(f"pandas.concat of the same files, without summary: {theirs:.2f} s ({their_cpu:.2f} s of CPU)")
    print(f"ratio: {theirs / ours:.1f}")
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, pyarrow {pa.__version__}, pandas {pd.__version__}; ", end="")
    print(f"{os.cpu_count()} CPU cores, load {load:.1f}; best of {repeats}, files in the system's cache")


def best_of(repeats: int, work: Callable[[], Any]) -> tuple[float, float]:
    """Shortest wall time and shortest CPU time in seconds; other load on the machine lengthens the first far more."""
    wall, cpu = [], []
    for _ in range(repeats):
        start, cpu_start = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    return min(wall), min(cpu)


def concatenate(files: list[Path]) -> None:
    """The usual way: one frame a file, one table for each kind."""
    for kind in {path.name for path in files}:
        pd.concat([pd.read_parquet(path) for path in files if path.name == kind], ignore_index=True)


def make_results(backbones: list[str], results: Path) -> list[Path]:
    """Write the files of a study of one dataset."""
    files = []
    for backbone in track(backbones, description="Making files"):
        for setting, seed in product(SETTINGS, SEEDS):
            cell = Cell("birds", backbone, setting, SIZE, SIZE)
            files.append(results / fill(METRICS, cell, seed=seed))
            write_rows("metrics", [metrics_row(cell, seed)], files[-1])
        for regime, seed in product(dict.fromkeys(REGIME_OF.values()), SEEDS):
            run = Run("birds", backbone, regime, SIZE, seed)
            files.append(results / fill(TRAIN, run))
            write_rows("train", [train_row(run)], files[-1])
        for setting in dict.fromkeys(COSTS_AS.values()):
            point = CostPoint(backbone, setting, SIZE, CLASSES)
            for pattern, table, row in ((MACS, "macs", macs_row(point)), (TIMING, "timing", timing_row(point))):
                files.append(results / fill(pattern, point))
                write_rows(table, [row], files[-1])
    return files


def cell_spec(backbone: str, setting: Any) -> CellSpec:
    """A cell of that study."""
    return CellSpec(
        **Cell("birds", backbone, setting, SIZE, SIZE)._asdict(),
        dataset_title="Birds",
        backbone_title=backbone,
        family="",
        pretraining="",
        classes=CLASSES,
        seeds=SEEDS,
    )


def metrics_row(cell: Cell, seed: int) -> dict[str, Any]:
    """An evaluation."""
    accuracy = {"top1": 80.0 + seed / 100, "top5": 95.0, "class_mean": 79.5, "class_deviation": 12.0}
    more = {"seed": seed, "images": 5794, "views": VIEWS[cell.setting], "fold_deviation": 0.1, "learning_rate": 0.01}
    return cell._asdict() | accuracy | more | CONDITIONS | VERSIONS | OK


def train_row(run: Run) -> dict[str, Any]:
    """A training."""
    lengths = {"epochs": 50, "batch_size": 8, "images": 299_700, "steps": 37_500, "epoch_seconds": 4000.0}
    more = {"job_seconds": 4100.0, "resumes": 0, "peak_memory": 8 << 30, "learning_rate": 0.01}
    return run._asdict() | lengths | more | CONDITIONS | VERSIONS | OK


def macs_row(point: CostPoint) -> dict[str, Any]:
    """MACs of a cost point."""
    views = VIEWS[point.setting]
    counts = {"parameters": 90_000_000, "macs_view": 10**10, "macs_image": views * 10**10}
    return point._asdict() | counts | {"views": views, "status": "ok"} | VERSIONS


def timing_row(point: CostPoint) -> dict[str, Any]:
    """Timing of a cost point."""
    figures = {"throughput": 400.0, "latency": 9.0, "peak_memory": 1 << 30, "batch_size": 8, "repeats": 30}
    return point._asdict() | figures | {"views": VIEWS[point.setting], "status": "ok"} | CONDITIONS | VERSIONS


if __name__ == "__main__":
    main()
