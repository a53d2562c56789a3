"""A study on a real Slurm: how the tests run it, and what they do to it."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from safetensors.torch import load_file
from tiny import ROOT, STUDY, Bench

HERE = Path(__file__).parent
PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd")
PACKAGES = "slurm-wlm slurmdbd munge mariadb-server"

# The profile that users have, with the partitions and GPUs of the test cluster in place of a site's, and quick answers.
SITE: dict[str, Any] = {
    "slurm-no-account": True,
    "slurm-init-seconds-before-status-checks": 1,
    "seconds-between-status-checks": 1,
    "max-jobs-per-timespan": "50/1s",
    "latency-wait": 20,
}
GPU_JOB = {"slurm_partition": "low", "gres": "gpu:1", "gpu": 0, "runtime": 30, "slurm_extra": "--signal=USR1@60"}
# Runs long enough to be hit in the middle, again and again.
LONG: dict[str, Any] = STUDY | {
    "settings": ["cal", "cal_nc"],
    "seeds": [1, 2],
    "training": STUDY["training"] | {"epochs": 24},
}


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


def missing_programs() -> list[str]:
    """The programs of Slurm that are not on this machine."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Two virtual nodes with two fake GPUs each, up while entered; partition gpu preempts partition low.

    Stopped by pid; an AssertionError where a process of it was left.
    """
    # Not below pytest's folders: munge wants its socket where everybody may look.
    folder = Path(tempfile.mkdtemp(prefix="fgir-slurm-"))
    folder.chmod(0o755)
    environment = {**os.environ, "LAB": str(folder), "PORT_BASE": str(_free_ports())}
    try:
        subprocess.run([HERE / "up.sh"], env=environment, check=True)
        yield Cluster(folder)
    finally:
        down = subprocess.run([HERE / "down.sh", "--wipe"], env=environment, check=True, capture_output=True, text=True)
        shutil.rmtree(folder)
    assert "left=0" in down.stdout, down.stdout


@contextmanager
def second_cluster(first: Cluster, name: str) -> Iterator[Cluster]:
    """Another cluster of one node with the accounting of the first, up while entered: squeue --clusters knows it."""
    folder = first.folder / name
    environment = {**os.environ, "LAB": str(folder), "PORT_BASE": str(_free_ports())}
    shared = {
        "JOINS": str(first.folder),
        "DBD_PORT": _value(first, "AccountingStoragePort"),
        "NAME": name,
        "NODES": "1",
    }
    try:
        subprocess.run([HERE / "up.sh"], env=environment | shared, check=True)
        yield Cluster(folder)
    finally:
        subprocess.run([HERE / "down.sh"], env=environment, check=True)


def _value(cluster: Cluster, key: str) -> str:
    """A value of a cluster's configuration."""
    lines = (cluster.folder / "etc/slurm.conf").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{key}="))


def _free_ports() -> int:
    """A number of up.sh's PORT_BASE whose ports nobody listens to, another test cluster least of all."""
    bases = list(range(16800, 30000, 200))
    random.shuffle(bases)
    return next(base for base in bases if all(_is_free(base + offset) for offset in (17, 19, 20, 101, 102)))


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Head:
    """A study in a folder of its own, run by the profile slurm changed by ``site``, ``gpu_job`` and ``train``."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        study: dict[str, Any],
        site: dict[str, Any] = SITE,
        threads: int = 1,
        train: dict[str, Any] | None = None,
        **gpu_job: Any,
    ) -> None:
        self.cluster, self.folder = cluster, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.bench = Bench(folder)
        self.bench.write(study)
        self.process: subprocess.Popen[bytes] | None = None
        self.python = sys.executable
        self._write_profile(site, threads, gpu_job, train or {})

    def start(self, *arguments: str) -> None:
        """Start Snakemake as a user does, in the background."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
        command += ["--configfile", str(self.bench.study), "--profile", "slurm", *(arguments or ["all"])]
        with (self.folder / "head.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.cluster.environment, stdout=log, stderr=subprocess.STDOUT
            )

    def finish(self, seconds: float = 600) -> int:
        """Wait for Snakemake to end; its exit code."""
        assert self.process is not None
        return self.process.wait(timeout=seconds)

    @property
    def log(self) -> str:
        """Return what Snakemake has printed, if it was started."""
        log = self.folder / "head.log"
        return log.read_text() if log.exists() else ""

    def jobs(self, columns: str) -> list[str]:
        """Return what Slurm's accounting knows of each job of this folder; ``columns`` are names of sacct's, as A,B."""
        options = ["--allocations", "--noheader", "--parsable2", f"--format={columns},WorkDir"]
        rows = [line.rpartition("|") for line in self.cluster.run("sacct", *options).splitlines()]
        return [row for row, _, folder in rows if Path(folder) == self.folder]

    def failed_runs(self) -> list[str]:
        """The runs that Snakemake saw fail, as dataset/backbone/regime/size/seed, each as often as it failed."""
        return re.findall(r"Error in rule train:\n(?:.*\n){3}        output: results/runs/(\S+)/model", self.log)

    def owner(self, run: str, after: dict[str, Any] | None = None) -> dict[str, Any]:
        """Job and process that train a run, once that process has saved a state: work/runs/<run>/lock says so.

        ``after`` is an owner that is about to end: its successor is waited for.
        """
        work = self.folder / "work/runs" / run
        owners: list[dict[str, Any]] = []

        def found() -> bool:
            owner = _living(work / "lock") if _is_newer(work / "newest.state", work / "lock") else None
            if owner and (after is None or owner["process"] != after["process"]):
                owners.append(owner)
            return bool(owners)

        wait_until(found, f"{run} trains", self)
        return owners[0]

    def hold(self, run: str, after: dict[str, Any] | None = None) -> dict[str, Any]:
        """Stop the process that trains a run; its owner, as ``owner`` finds it."""
        owner = self.owner(run, after)
        os.kill(owner["process"], signal.SIGSTOP)
        return owner

    @contextmanager
    def holding(self, run: str, after: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Stop the process that trains a run while entered; yield its owner, as ``owner`` finds it."""
        owner = self.hold(run, after)
        try:
            yield owner
        finally:
            release(owner)

    def _write_profile(
        self, site: dict[str, Any], threads: int, gpu_job: dict[str, Any], train: dict[str, Any]
    ) -> None:
        profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text()) | site
        profile["default-resources"] = {"slurm_partition": "gpu"}
        rules = profile["set-resources"]
        profile["set-resources"] = {rule: GPU_JOB | gpu_job for rule in rules}
        profile["set-resources"]["train"] |= train
        profile["set-threads"] = dict.fromkeys([*rules, "manifest", "pixels"], threads)
        (self.folder / "slurm").mkdir(exist_ok=True)
        (self.folder / "slurm/config.yaml").write_text(yaml.safe_dump(profile))


def release(owner: dict[str, Any]) -> None:
    """Let a process that is held go on, if Slurm has not ended it."""
    with suppress(ProcessLookupError):
        os.kill(owner["process"], signal.SIGCONT)


def assert_same_weights(ours: Path, theirs: Path, run: str) -> None:
    """The trained weights of a run are the same bits in two folders."""
    a, b = (load_file(folder / "results/runs" / run / "model.safetensors") for folder in (ours, theirs))
    assert a.keys() == b.keys()
    assert all(a[name].equal(b[name]) for name in a)


def _is_newer(file: Path, other: Path) -> bool:
    """Was a file written after another? No if it is not there."""
    try:
        return file.stat().st_mtime_ns > other.stat().st_mtime_ns
    except FileNotFoundError:
        return False


def _living(lock: Path) -> dict[str, Any] | None:
    """What a lock says of its owner, where that still runs."""
    owner: dict[str, Any] = json.loads(lock.read_text() or "{}")
    try:
        return owner if (Path("/proc") / str(owner.get("process")) / "cmdline").read_bytes() else None
    except OSError:  # it has ended
        return None


def wait_until(condition: Callable[[], bool], what: str, head: Head | None = None, seconds: float = 300) -> None:
    """Wait for a condition; an AssertionError that says what did not come, with the end of Snakemake's log."""
    deadline = time.monotonic() + seconds
    while not condition():
        ended = head is not None and head.process is not None and head.process.poll() is not None
        printed = head.log[-3000:] if head else ""
        assert time.monotonic() < deadline, f"{what}: not seen in {seconds:.0f} s\n{printed}"
        assert not ended, f"{what}: not seen before Snakemake ended\n{printed}"
        time.sleep(0.1)
