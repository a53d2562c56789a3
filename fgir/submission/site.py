"""What a cluster wants of a job: from the profile of Snakemake, in the words of submitit."""

import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from fgir.errors import FgirError
from fgir.strict import read_yaml

# Resources of Snakemake's Slurm plugin, and the options of sbatch that they become.
_OPTIONS = {
    "slurm_partition": "partition",
    "slurm_account": "account",
    "gres": "gres",
    "constraint": "constraint",
    "qos": "qos",
    "reservation": "reservation",
    "clusters": "clusters",
}
# Of the profile as a whole.
_OPTIONS_OF_ALL = {"slurm-qos": "qos", "slurm-reservation": "reservation"}
# What submitit sets by names of its own.
_SIGNAL_SECONDS = 180


class Site(NamedTuple):
    """A training's place on the cluster."""

    options: dict[str, str | bool]
    """Of sbatch, by their long names: partition, account, gres, …"""
    threads: int = 1
    """A node, shared by the processes there."""
    gpus: int = 0
    """A node; as far as the profile says."""
    nodes: int = 1
    tasks: int = 1
    """Processes a node."""
    signal_seconds: int = _SIGNAL_SECONDS
    """So long before its time limit a job is warned."""
    minutes: int | None = None
    """Time limit and main memory; None: the plan's estimate."""
    megabytes: int | None = None
    jobs: int = 200
    """So many at a time."""

    def parameters(self) -> dict[str, Any]:
        """As submitit's AutoExecutor takes them."""
        cores = max(1, self.threads // self.tasks)
        return {
            "cpus_per_task": cores,
            "nodes": self.nodes,
            "tasks_per_node": self.tasks,
            "slurm_signal_delay_s": self.signal_seconds,
            "slurm_additional_parameters": self.options,
            # Since Slurm 22.05 a step has one core unless it says so itself. Where one of a run's processes fails, the
            # others do not wait for it.
            "slurm_srun_args": [f"--cpus-per-task={cores}", "--kill-on-bad-exit=1"],
        }


def site_of(folder: Path) -> Site:
    """What a profile says of the rule train; FgirError where it is missing or says it in a way not understood."""
    file = folder / "config.yaml"
    if not file.exists():
        raise FgirError(f"{file} does not exist; name the folder of your cluster's profile with --profile.")
    profile = read_yaml(file)
    resources = _table(profile, "default-resources", file) | _table(profile, "set-resources", file).get("train", {})
    options: dict[str, str | bool] = {
        option: str(profile[key]) for key, option in _OPTIONS_OF_ALL.items() if profile.get(key)
    }
    options |= {option: str(resources[name]) for name, option in _OPTIONS.items() if resources.get(name)}
    if profile.get("slurm-no-account"):
        options.pop("account", None)
    if profile.get("slurm-requeue"):
        options["requeue"] = True
    if resources.get("gpu") and "gres" not in options:
        options["gres"] = ":".join(["gpu", *filter(None, [resources.get("gpu_model")]), str(resources["gpu"])])
    options |= _extra(str(resources.get("slurm_extra", "")), file)
    warned = re.fullmatch(r".*@(\d+)", str(options.pop("signal", "")))
    nodes = _number(resources, "nodes", file) or 1
    processes = _number(resources, "processes", file) or nodes
    if processes % nodes:
        raise FgirError(f"{file}: {processes} processes cannot be spread evenly over {nodes} nodes.")
    return Site(
        options=options,
        threads=_number(_table(profile, "set-threads", file), "train", file) or 1,
        gpus=_gpus(str(options.get("gres", ""))),
        nodes=nodes,
        tasks=processes // nodes,
        signal_seconds=int(warned[1]) if warned else _SIGNAL_SECONDS,
        minutes=_number(resources, "runtime", file),
        megabytes=_number(resources, "mem_mb", file),
        jobs=_number(profile, "jobs", file) or 200,
    )


def _table(profile: dict[str, Any], key: str, file: Path) -> dict[str, Any]:
    table = profile.get(key) or {}
    if not isinstance(table, dict):
        raise FgirError(f"{file}: {key} is not a mapping; write it as `key: value` lines, as profiles/slurm does.")
    return table


def _number(table: dict[str, Any], key: str, file: Path) -> int | None:
    value = table.get(key)
    if value is None or isinstance(value, int):
        return value
    raise FgirError(f"{file}: {key} is {value!r}; for fgir submit it must be a whole number.")


def _extra(text: str, file: Path) -> dict[str, str | bool]:
    """Options of sbatch as on its command line: --nice=100 --exclusive."""
    options: dict[str, str | bool] = {}
    for word in shlex.split(text):
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            raise FgirError(f"{file}: slurm_extra has {word!r}; write every option as --name=value or --name.")
        options[name] = value if equals else True
    return options


def _gpus(gres: str) -> int:
    found = re.search(r"gpu(?::[^:,]+)??(?::(\d+))?(?:,|$)", gres)
    return int(found[1] or 1) if found else 0
