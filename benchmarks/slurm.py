"""What a job costs through the profile `slurm`, and how long a study of 200 short cells takes, submission to summary.

Starts the test cluster of tests/slurm (two virtual nodes with two fake GPUs each, all on this machine) and runs there,
with the profile as it is but for the cluster's partitions and GPUs:

empty   jobs that do nothing, first one alone, then many: what Slurm, Snakemake and its plugin take for themselves;
study   10 datasets of rendered typefaces x 2 settings x 10 test sizes of a small timm model: 20 runs of one epoch, each
        in one job with its 10 evaluations, and 40 jobs for multiply-adds and timing.

Nothing is downloaded. Slurm must be installed: apt-get install slurm-wlm slurmdbd munge mariadb-server.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import Progress

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests/slurm"), str(ROOT / "tests/workflow")]

from lab import Cluster, Head, running_cluster  # noqa: E402
from tiny import DATASETS, STUDY  # noqa: E402

# Of the site alone; how often the profile submits and asks stays.
SITE: dict[str, Any] = {"slurm-no-account": True}
CELLS: dict[str, Any] = STUDY | {
    "name": "200 cells",
    "datasets": [f"letters{number}" for number in range(10)],
    "settings": ["frozen", "finetuned"],
    "test_sizes": list(range(48, 128, 8)),
    "data": STUDY["data"] | {"pixels": "decode"},
    "tuning": {"learning_rates": {"frozen": [0.1], "finetuned": [0.01]}},
}
EMPTY = """
rule all:
    input: expand("out/{{number}}", number=range({count}))
rule empty:
    output: "out/{{number}}"
    resources: runtime=5, mem_mb=500
    shell: "touch {{output}}"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=60, help="empty jobs (default 60)")
    parser.add_argument("--skip-study", action="store_true", help="the empty jobs alone (minutes)")
    options = parser.parse_args()
    print(f"conditions: {_cpu()}, Python {platform.python_version()}, test cluster of 2 nodes on this machine")
    with tempfile.TemporaryDirectory() as name, running_cluster() as cluster:
        empty(cluster, Path(name), options.jobs)
        if not options.skip_study:
            study(cluster, Path(name) / "study")


def empty(cluster: Cluster, folder: Path, count: int) -> None:
    """Print the overhead of a job that does nothing, alone and among ``count``."""
    alone, _ = _run_empty(cluster, folder / "alone", 1)
    many, wall = _run_empty(cluster, folder / "many", count)
    print(f"an empty job holds its allocation for {alone[0]} s alone, {statistics.median(many):.0f} s among {count}")
    print(f"{count} empty jobs: {wall:.0f} s, {60 * count / wall:.0f} jobs a minute")


def study(cluster: Cluster, folder: Path) -> None:
    """Print how long the study took, its jobs, and the memory of the head process."""
    head = Head(cluster, folder, CELLS, SITE)
    datasets = {name: DATASETS["letters"] | {"seed": number} for number, name in enumerate(CELLS["datasets"])}
    head.bench.write(CELLS, datasets=datasets)
    before = len(_elapsed(cluster))
    started = time.perf_counter()
    head.start("all")
    memory = max(_memory_until_the_end(head))
    wall = time.perf_counter() - started
    if head.finish() != 0:
        sys.exit(head.log[-3000:])
    jobs = len(_elapsed(cluster)) - before
    print(
        f"200 cells: {wall / 60:.1f} min from submission to summary, {jobs} Slurm jobs, {60 * jobs / wall:.0f} a minute"
    )
    print(f"head process: {memory} MB at most")


def _run_empty(cluster: Cluster, folder: Path, count: int) -> tuple[list[int], float]:
    """Seconds that each job held its allocation, and of the whole."""
    head = Head(cluster, folder, STUDY, SITE)
    (folder / "Snakefile").write_text(EMPTY.format(count=count))
    before = len(_elapsed(cluster))
    started = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--profile", "slurm", "all"]
    done = subprocess.run(
        command, cwd=folder, env=head.cluster.environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return _elapsed(cluster)[before:], time.perf_counter() - started


def _elapsed(cluster: Cluster) -> list[int]:
    """Seconds that every job so far has held its allocation."""
    return [int(line) for line in cluster.run("sacct", "--allocations", "--noheader", "--format=ElapsedRaw").split()]


def _memory_until_the_end(head: Head) -> Iterator[int]:
    """MB of the largest resident set of Snakemake so far, again and again until it ends."""
    assert head.process is not None
    status = Path(f"/proc/{head.process.pid}/status")
    with Progress(transient=True) as bar:
        task = bar.add_task("jobs", total=None)
        while head.process.poll() is None:
            line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM:")), "VmHWM: 0")
            bar.update(task, completed=head.log.count("Finished jobid"))
            yield int(line.split()[1]) // 1024
            time.sleep(1)


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())
    return f"{sum(line.startswith('processor') for line in lines)} cores of {name}"


if __name__ == "__main__":
    main()
