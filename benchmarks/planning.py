"""How long Snakemake takes to plan a study of 10,000 jobs, and one cell of it.

Writes a study of 17 datasets x 9 backbones x 6 settings with tuning and several seeds into a temporary folder, then
times `snakemake --dry-run` as whole processes: of all, and of one cell. Nothing is trained.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4, help="seeds of the study: 4 make about 11,000 jobs")
    parser.add_argument("--repeats", type=int, default=3, help="times that each command is run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_study(Path(folder), options.seeds)
        whole = [plan(Path(folder), "all") for _ in range(options.repeats)]
        cell = "results/cells/set3/net2/cal_nc/224-224.parquet"
        one = [plan(Path(folder), cell) for _ in range(options.repeats)]
    jobs = whole[0][1]
    print(f"conditions: {cpu()}, Python {platform.python_version()}, median of {options.repeats} whole processes")
    print(f"all: {jobs} jobs planned in {seconds(whole):.1f} s, {1000 * seconds(whole) / jobs:.2f} ms a job")
    print(f"one cell of it: {one[0][1]} jobs planned in {seconds(one):.1f} s")
    print(f"ratio: all / one cell = {seconds(whole) / seconds(one):.1f}")


def write_study(folder: Path, seeds: int) -> None:
    datasets = {f"set{n}": {"source": "typefaces", "classes": 2 + n} for n in range(17)}
    backbones = {f"net{n}": {"timm": "resnet18.tv_in1k", "weights": {"source": "none"}} for n in range(9)}
    study = {
        "name": "planning",
        "datasets": list(datasets),
        "backbones": list(backbones),
        "seeds": list(range(1, seeds + 1)),
    }
    (folder / "config").mkdir()
    for name, content in {"datasets": datasets, "backbones": backbones, "config": study}.items():
        (folder / "config" / f"{name}.yaml").write_text(yaml.safe_dump(content))


def plan(folder: Path, target: str) -> tuple[float, int]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
    command += [target, "--directory", str(folder), "--cores", "2", "--dry-run", "--quiet", "rules"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    elapsed = time.perf_counter() - started
    total = next(line for line in (done.stdout + done.stderr).splitlines() if line.startswith("total"))
    return elapsed, int(total.split()[1])


def seconds(plans: list[tuple[float, int]]) -> float:
    return statistics.median(elapsed for elapsed, _ in plans)


def cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    main()
