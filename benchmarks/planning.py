"""How long Snakemake takes to plan the published study, to see that it is finished, and to plan one cell of it.

Copies config/ into a temporary folder and times `snakemake --dry-run` of config/config.yaml there, as whole processes:
of all, of one cell, and of all once every file exists. For that, files of one byte stand in place of results, and
`snakemake --touch` records them as if their jobs had run. Nothing is downloaded or trained.

A dry run knows its jobs when it counts them in a table, as any run does before its first job; then it words each job
and its command, which another run does when it starts the job.
"""

import argparse
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
CELL = "results/cells/cub/resnet101/cal_nc/224-224.parquet"


class Plan(NamedTuple):
    """A dry run: seconds until its jobs were known, seconds in all, jobs."""

    known: float
    whole: float
    jobs: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="times that each command is run (default 3)")
    parser.add_argument("--skip-finished", action="store_true", help="leave out the finished study (15 minutes)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "config", folder / "config")
        whole = [plan(folder, "all") for _ in range(options.repeats)]
        one = [plan(folder, CELL) for _ in range(options.repeats)]
        nothing = [] if options.skip_finished else finished(folder, options.repeats)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"conditions: {cpu()}, Python {platform.python_version()}, median of {options.repeats} whole processes")
    known, seconds = median(plan.known for plan in whole), median(plan.whole for plan in whole)
    print(f"all: {whole[0].jobs} jobs known after {known:.1f} s, each worded after {seconds:.1f} s", end="")
    print(f" ({spread(whole)}), {1000 * seconds / whole[0].jobs:.2f} ms a job")
    print(f"one cell: {one[0].jobs} jobs worded after {median(plan.whole for plan in one):.1f} s ({spread(one)})")
    if nothing:
        print(f"finished: nothing to do, seen after {median(plan.whole for plan in nothing):.1f} s ({spread(nothing)})")
    print(f"largest memory of any of them: {memory:.0f} MB")


def plan(folder: Path, target: str) -> Plan:
    """A dry run of a target."""
    started = time.perf_counter()
    known, jobs = 0.0, 0
    for line in snakemake(folder, target, "--dry-run", "--quiet", "rules"):
        if line.startswith("total") and not jobs:
            known, jobs = time.perf_counter() - started, int(line.split()[1])
    return Plan(known, time.perf_counter() - started, jobs)


def finished(folder: Path, repeats: int) -> list[Plan]:
    """Dry runs of all with a file of one byte in the place of every result, recorded as made."""
    for line in list(snakemake(folder, "all", "--summary")):
        path = line.split("\t")[0]
        if path.startswith("results/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(b"0")
    list(snakemake(folder, "all", "--touch", "--forceall", "--quiet", "all"))
    plans = [plan(folder, "all") for _ in range(repeats)]
    assert plans[0].jobs == 0, f"{plans[0].jobs} jobs were left to do"
    return plans


def snakemake(folder: Path, *arguments: str) -> Iterator[str]:
    """Each line of a command's output, when it comes."""
    command = [sys.executable, "-u", "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
    command += [*arguments, "--directory", str(folder), "--cores", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        last = ""
        for last in process.stdout:
            yield last
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed: {last}")


def spread(plans: list[Plan]) -> str:
    seconds = [plan.whole for plan in plans]
    return f"{min(seconds):.1f} to {max(seconds):.1f}"


def cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    main()
