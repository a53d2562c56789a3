"""How long Snakemake takes to plan the published study, to see that it is finished, and to plan one cell of it.

Copies config/ into a temporary folder and times `snakemake --dry-run` of config/config.yaml there, as whole processes:
of all, of one cell, and of all once every file exists. For that, files of one byte stand in place of results, and
`snakemake --touch` records them as if their jobs had run. Nothing is downloaded or trained.
"""

import argparse
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
CELL = "results/cells/cub/resnet101/cal_nc/224-224.parquet"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="times that each command is run (default 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "config", folder / "config")
        whole = [plan(folder, "all") for _ in range(options.repeats)]
        one = [plan(folder, CELL) for _ in range(options.repeats)]
        finish(folder)
        nothing = [plan(folder, "all") for _ in range(options.repeats)]
    jobs, memory = whole[0][1], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert nothing[0][1] == 0, f"{nothing[0][1]} jobs were left to do"
    print(f"conditions: {cpu()}, Python {platform.python_version()}, median of {options.repeats} whole processes")
    print(f"all: {jobs} jobs planned in {seconds(whole):.1f} s, {1000 * seconds(whole) / jobs:.2f} ms a job")
    print(f"finished: nothing to do, seen in {seconds(nothing):.1f} s")
    print(f"one cell: {one[0][1]} jobs planned in {seconds(one):.1f} s")
    print(f"largest memory of any of them: {memory:.0f} MB")
    print(f"ratio: all / one cell = {seconds(whole) / seconds(one):.1f}")


def plan(folder: Path, target: str) -> tuple[float, int]:
    """Seconds and jobs of a dry run."""
    started = time.perf_counter()
    output = snakemake(folder, target, "--dry-run", "--quiet", "rules")
    elapsed = time.perf_counter() - started
    totals = [line for line in output.splitlines() if line.startswith("total")]
    return elapsed, int(totals[0].split()[1]) if totals else 0


def finish(folder: Path) -> None:
    """Put a file of one byte in the place of every result, and record them as made."""
    table = snakemake(folder, "all", "--summary")
    for line in table.splitlines():
        path = line.split("\t")[0]
        if path.startswith("results/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(b"0")
    snakemake(folder, "all", "--touch", "--forceall", "--quiet", "all")


def snakemake(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
    command += [*arguments, "--directory", str(folder), "--cores", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return done.stdout + done.stderr


def seconds(plans: list[tuple[float, int]]) -> float:
    return statistics.median(elapsed for elapsed, _ in plans)


def cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    main()
