"""Translate a profile of Snakemake into the options of sbatch and submitit for a training."""

import os
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from fgir.cluster.profile import CLUSTER_KEYS, Profile
from fgir.utils.errors import FgirError
from fgir.utils.machine import has_gpu

_SIGNAL_SECONDS = 180
# If more than one of these is given the last counts, as on the command line that Snakemake's plugin makes.
_OPTIONS = {"slurm_partition": "partition", "constraint": "constraint", "qos": "qos", "gres": "gres"}
_OPTIONS_OF_ALL = {"slurm-qos": "qos", "slurm-reservation": "reservation", "slurm-exclude-failed-nodes": "exclude"}
# Variables that a user has exported count if the profile is silent. The sent jobs do not inherit them.
_EXPORTED = {
    **{"SBATCH_PARTITION": "partition", "SBATCH_ACCOUNT": "account", "SBATCH_QOS": "qos"},
    **{"SBATCH_RESERVATION": "reservation", "SBATCH_CONSTRAINT": "constraint"},
    **{"SLURM_CLUSTERS": "clusters", "SBATCH_CLUSTERS": "clusters"},
}
# The plugin refuses these in slurm_extra, and then Snakemake hangs. Each has a key, or is set by the suite.
_KEY_OF_OPTION = {
    **{"partition": "slurm_partition", "account": "slurm_account", "constraint": "constraint", "qos": "qos"},
    **{"clusters": "clusters", "gres": "gres", "gpus": "gpu", "nodes": "nodes", "time": "runtime", "mem": "mem_mb"},
    **{"mem-per-cpu": "mem_mb_per_cpu", "cpus-per-task": "cpus_per_task", "cpus-per-gpu": "cpus_per_gpu"},
    **{"ntasks": "processes", "ntasks-per-gpu": "processes", "ntasks-per-node": "processes"},
}
_SET_BY_THE_SUITE = {
    "job-name",
    "output",
    "error",
    "parsable",
    "export",
    "comment",
    "chdir",
    "workdir",
    "array",
    "wrap",
}


class Site(NamedTuple):
    """Describe a training's place on the cluster."""

    options: dict[str, str | bool]
    """Options of sbatch, by their long names: partition, account, gres, cpus-per-task, …"""
    threads: int = 1
    """Cores of each node, which its processes share."""
    gpus: int = 0
    """GPUs of the job, as far as the profile says."""
    nodes: int = 1
    tasks: int = 1
    """Processes on each node."""
    signal_seconds: int = _SIGNAL_SECONDS
    """Seconds before its time limit at which a job is warned."""
    minutes: int | None = None
    """The time limit; None: the plan's estimate."""
    megabytes: int | None = None
    """Main memory of each node; None: the plan's estimate."""
    megabytes_per_core: int | None = None
    """Main memory of each core, in place of that of each node."""
    jobs: int = 200
    """The most jobs at a time."""

    @property
    def clusters(self) -> str:
        """Return the clusters to send it to, as sbatch takes them (a,b); empty: the sender's own."""
        return str(self.options.get("clusters", ""))

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of submitit's AutoExecutor."""
        # Since Slurm 22.05 a step has one core unless it asks for more. If one of a run's processes fails, srun ends
        # the others.
        cores = [f"--cpus-per-task={self.options['cpus-per-task']}"] if "cpus-per-task" in self.options else []
        return {
            "nodes": self.nodes,
            "tasks_per_node": self.tasks,
            "slurm_signal_delay_s": self.signal_seconds,
            "slurm_additional_parameters": self.options,
            "slurm_srun_args": [*cores, "--kill-on-bad-exit=1"],
        }

    def memory(self, megabytes: int) -> dict[str, str]:
        """Return the memory option of submitit for a job that needs ``megabytes`` on a node."""
        if self.megabytes_per_core:
            return {"slurm_mem_per_cpu": f"{self.megabytes_per_core}M"}
        return {"slurm_mem": f"{megabytes}M"}


def site_of(folder: Path) -> Site:
    """Return the place that a profile gives the rule train. Raises FgirError if it is missing or cannot be read."""
    profile = Profile(folder)
    options = _options(profile)
    signal = re.fullmatch(r".*@(\d+)", str(options.pop("signal", "")))
    nodes = profile.number("nodes", 1) or 1
    processes = profile.number("processes", 1) or nodes
    if processes % nodes:
        profile.refuse(f"{processes} processes cannot be spread evenly over {nodes} nodes")
    gpus = max(nodes * _gpus_of_gres(str(options.get("gres", ""))), _gpus(str(options.get("gpus", ""))))
    threads, cores = _cores(profile, gpus // nodes, processes // nodes)
    jobs = profile.keys.get("jobs")
    return Site(
        options=cores | options,
        threads=threads,
        gpus=gpus,
        nodes=nodes,
        tasks=processes // nodes,
        signal_seconds=int(signal[1]) if signal else _SIGNAL_SECONDS,
        minutes=profile.minutes(),
        megabytes=profile.megabytes(),
        megabytes_per_core=profile.number("mem_mb_per_cpu"),
        jobs=profile.whole("jobs", jobs, 1) if jobs not in (None, "unlimited") else Site._field_defaults["jobs"],
    )


def _options(profile: Profile) -> dict[str, str | bool]:
    """Return the options of sbatch: those that the user has exported, the rule's, the profile's, then slurm_extra's."""
    resources, keys = profile.resources, profile.keys
    options: dict[str, str | bool] = {
        option: os.environ[name] for name, option in _EXPORTED.items() if os.environ.get(name)
    }
    options |= {option: profile.text(key) for key, option in _OPTIONS.items() if key in resources}
    if clusters := next(filter(None, map(profile.text, CLUSTER_KEYS)), None):
        options["clusters"] = clusters
    # sbatch takes one account.
    accounts = re.split(r"[,\s]+", profile.text("slurm_account").strip())
    options |= {"account": accounts[0]} if accounts[0] else {}
    options |= {option: str(keys[key]) for key, option in _OPTIONS_OF_ALL.items() if keys.get(key)}
    options |= {name: True for name in ("requeue", "no-requeue") if keys.get(f"slurm-{name}")}
    if keys.get("slurm-no-account"):
        options.pop("account", None)
    if keys.get("slurm-partition-config") and "partition" not in options:
        profile.refuse("slurm-partition-config chooses a partition for Snakemake alone; add slurm_partition for train")
    model, gpus = profile.text("gpu_model"), profile.number("gpu")
    gpus = int(has_gpu()) if gpus is None else gpus
    if model or gpus:
        options["gpus"] = f"{model}:{gpus or 1}" if model else str(gpus)
    return options | _extra(profile)


def _cores(profile: Profile, gpus: int, tasks: int) -> tuple[int, dict[str, str | bool]]:
    """Return the cores of a node with ``gpus`` GPUs and ``tasks`` processes, and sbatch's option that asks for them."""
    of_gpu = profile.number("cpus_per_gpu") if gpus else None
    cores = profile.number("cpus_per_task")
    if of_gpu and not cores:
        return of_gpu * gpus, {"cpus-per-gpu": str(of_gpu)}
    cores = cores or profile.threads()
    return cores, {"cpus-per-task": str(max(1, cores // tasks))}


def _extra(profile: Profile) -> dict[str, str | bool]:
    """Return the options of slurm_extra, which is written as on sbatch's command line: --nice=100 --exclusive."""
    try:
        return extra_options(profile.text("slurm_extra"))
    except FgirError as error:
        profile.refuse(str(error).rstrip("."))


def extra_options(text: str) -> dict[str, str | bool]:
    """Return the options of sbatch in a text. Raises FgirError at those that Snakemake's plugin refuses too."""
    options: dict[str, str | bool] = {}
    try:
        words = shlex.split(text)
    except ValueError:
        raise FgirError(f"slurm_extra is {text!r}, where a quotation mark is not closed; close it.") from None
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            raise FgirError(f"slurm_extra has {word!r}; write every option as --name=value or --name.")
        if name in _KEY_OF_OPTION:
            key = _KEY_OF_OPTION[name]
            raise FgirError(f"slurm_extra has --{name}, which Snakemake refuses there; write it as {key}.")
        if name in _SET_BY_THE_SUITE:
            raise FgirError(f"slurm_extra has --{name}, which is set already; leave it out.")
        options[name] = value if equals else True
    return options


def _gpus_of_gres(gres: str) -> int:
    found = re.search(r"gpu(?::[^:,]+)??(?::(\d+))?(?:,|$)", gres)
    return int(found[1] or 1) if found else 0


def _gpus(asked: str) -> int:
    return int(asked.rpartition(":")[2] or 0)
