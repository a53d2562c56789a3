"""A study on a real Slurm: how the tests run it, and what they do to it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from tiny import ROOT, STUDY, Bench

# The profile that users have, with the partitions and GPUs of the test cluster in place of a site's, and quick answers.
SITE: dict[str, Any] = {
    "slurm-no-account": True,
    "slurm-init-seconds-before-status-checks": 1,
    "seconds-between-status-checks": 1,
    "max-jobs-per-timespan": "50/1s",
    "latency-wait": 20,
}
GPU_JOB = {"slurm_partition": "low", "gres": "gpu:1", "gpu": 0, "runtime": 30, "slurm_extra": "--signal=USR1@60"}


class Cluster:
    """The test cluster: its commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "SLURM_CONF": str(folder / "etc/slurm.conf")}

    def run(self, *command: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def alive(self) -> list[str]:
        """The numbers of the jobs that have not ended."""
        return self.run("squeue", "--noheader", "--format=%A").split()


class Head:
    """A study in a folder of its own, run by the profile slurm."""

    def __init__(self, cluster: Cluster, folder: Path, study: dict[str, Any], **gpu_job: Any) -> None:
        self.cluster, self.folder = cluster, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.bench = Bench(folder)
        self.bench.write(study)
        self.process: subprocess.Popen[bytes] | None = None
        self._write_profile(gpu_job)

    def start(self, *arguments: str) -> None:
        """Start Snakemake as a user does, in the background."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
        command += ["--configfile", str(self.bench.study), "--profile", "slurm", *(arguments or ["all"])]
        with (self.folder / "head.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.cluster.environment, stdout=log, stderr=subprocess.STDOUT
            )

    def finish(self, seconds: float = 300) -> int:
        """Wait for Snakemake to end; its exit code."""
        assert self.process is not None
        return self.process.wait(timeout=seconds)

    @property
    def log(self) -> str:
        return (self.folder / "head.log").read_text()

    def owner(self, run: str) -> dict[str, Any]:
        """Job and process that train a run, once it has saved a state: work/runs/<run>/lock says so."""
        work = self.folder / "work/runs" / run
        wait_until(lambda: (work / "newest.state").exists(), f"{run} trains", self)
        owner: dict[str, Any] = json.loads((work / "lock").read_text())
        return owner

    def _write_profile(self, gpu_job: dict[str, Any]) -> None:
        profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text()) | SITE
        profile["default-resources"] = {"slurm_partition": "gpu"}
        rules = profile["set-resources"]
        profile["set-resources"] = {rule: GPU_JOB | gpu_job for rule in rules}
        profile["set-threads"] = dict.fromkeys([*rules, "manifest", "pixels"], 1)
        (self.folder / "slurm").mkdir(exist_ok=True)
        (self.folder / "slurm/config.yaml").write_text(yaml.safe_dump(profile))


def wait_until(condition: Callable[[], bool], what: str, head: Head | None = None, seconds: float = 180) -> None:
    """Wait for a condition; an AssertionError that says what did not come, with the end of Snakemake's log."""
    deadline = time.monotonic() + seconds
    while not condition():
        ended = head is not None and head.process is not None and head.process.poll() is not None
        told = head.log[-3000:] if head else ""
        assert time.monotonic() < deadline, f"{what}: not seen in {seconds:.0f} s\n{told}"
        assert not ended, f"{what}: not seen before Snakemake ended\n{told}"
        time.sleep(0.2)


def study(**changes: Any) -> dict[str, Any]:
    """The tiny study with changes."""
    return STUDY | changes
