"""Three runs on one GPU: side by side against one after the other, each a process as the workflow starts it."""

import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from gpu_files import ROOT, Files
from gpu_part import Part

from fgir.results.parquet import read_row
from fgir.specs import RunSpec

RUNS = 3


def main() -> None:
    part = Part(__doc__)
    cores = max(1, len(os.sched_getaffinity(0)) // RUNS)
    with TemporaryDirectory() as folder:
        tag, size, each = ("test_efficientnet.r160_in1k", 64, 4) if part.quick else ("resnet101.a1h_in1k", 224, 60)
        files = Files(Path(folder), {"net": tag}, size, each)
        runs = [files.run("net", "finetuned", seed=seed, epochs=1 if part.quick else 2) for seed in range(RUNS)]
        alone = [timed(part, files, runs[:1], f"one, {cores} cores", cores)]
        alone += [timed(part, files, [run], None, cores) for run in runs[1:]] if part.left() > 3 * alone[0] else []
        if part.left() < 2 * alone[0]:
            return part.note("The time was over before three runs could be started side by side.")
        together = timed(part, files, runs, f"three side by side, {cores} cores each", cores)
    one_after_another = sum(alone) if len(alone) == RUNS else RUNS * alone[0]
    part.row(
        "Three runs",
        runs="three, one after the other",
        seconds=round(one_after_another, 1),
        **{"side by side is faster by": round(one_after_another / together, 2)},
    )
    part.note(
        "One machine: `snakemake --profile profiles/local --resources gpu=3` runs three jobs that ask for gpu=1 at a "
        "time. Slurm: `--group-components run=3` puts three runs and their evaluations into one job with one GPU."
    )


def timed(part: Part, files: Files, runs: list[RunSpec], name: str | None, cores: int) -> float:
    """Return the seconds until all of the runs, started at once, have ended; add a row if it has a name."""
    folders = [files.folder / f"{time.monotonic_ns()}-{run.seed}" for run in runs]
    start = time.perf_counter()
    processes = [
        subprocess.Popen(files.command(run, folder, cores), env=os.environ | {"PYTHONPATH": str(ROOT)})
        for run, folder in zip(runs, folders, strict=True)
    ]
    codes = [process.wait() for process in processes]
    seconds = time.perf_counter() - start
    if any(codes):
        raise SystemExit(f"A run of {name or 'one alone'} ended with exit code {max(codes)}.")
    if name:
        rows = [read_row("train", folder / "train.parquet") for folder in folders]
        images = sum(row["images"] for row in rows)
        part.row(
            "Three runs",
            runs=name,
            seconds=round(seconds, 1),
            **{
                "of which training": round(max(row["epoch_seconds"] for row in rows), 1),
                "images/s of all": round(images / max(row["epoch_seconds"] for row in rows), 1),
                "MiB of a run": round(max(row["peak_memory"] for row in rows) / 2**20),
            },
        )
    return seconds


if __name__ == "__main__":
    main()
