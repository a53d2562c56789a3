"""Read a profile of Snakemake for fgir submit: the resources of the rule train, key by key.

Keys and their meaning are those of Snakemake's Slurm plugin, version 2.8, and of Snakemake's own resources. Any other
key is refused: it would be dropped without a word.
"""

import ast
import math
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from fgir.study.strict import read_yaml
from fgir.utils.errors import FgirError, nearest

RULE = "train"
# The first of these keys that is given counts.
CLUSTER_KEYS = ("cluster", "clusters", "slurm_cluster")
_SIZES = ("mem", "mem_mb", "mem_mib")
# The rule sets these itself; default-resources do not change them.
_OF_THE_RULE = {*_SIZES, "runtime", "gpu", "processes"}
_TASKS = ("tasks", "tasks_per_gpu", "tasks_per_node", "mpi")
_OF_SLURM = {
    *("slurm_partition", "slurm_account", "constraint", "qos", "gres", "gpu_model", "slurm_extra", *CLUSTER_KEYS),
    *("nodes", "cpus_per_task", "cpus_per_gpu", "mem_mb_per_cpu", *_TASKS),
}
# The plugin does not pass these to Slurm, and neither does fgir submit.
_OF_SNAKEMAKE = {"tmpdir", "disk", "disk_mb", "disk_mib", "evaluation"}
_KEYS = _OF_SLURM | _OF_THE_RULE | _OF_SNAKEMAKE
_INSTEAD = {
    "threads": "the cores of a rule are set-threads",
    "reservation": "a reservation is slurm-reservation, beside set-resources",
    "time": "the time limit is runtime",
    "gpus": "the number of GPUs is gpu",
}
_BYTES = {"": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_UNITS = {"s": 1 / 60, "sec": 1 / 60, "second": 1 / 60, "m": 1.0, "min": 1.0, "minute": 1.0, "h": 60.0, "hour": 60.0}
_UNITS |= {"d": 1440.0, "day": 1440.0, "w": 10080.0, "week": 10080.0}


def clusters_named(folder: Path) -> set[str]:
    """Return the clusters to which a profile sends jobs of any rule; none if there is no such profile."""
    if not config_of(folder).exists():
        return set()
    profile = read_yaml(config_of(folder))
    rules = profile.get("set-resources") or {}
    tables = [profile.get("default-resources"), *(rules.values() if isinstance(rules, dict) else [])]
    named = [str(table[key]) for table in tables if isinstance(table, dict) for key in CLUSTER_KEYS if table.get(key)]
    return {str(plain(names)) for names in named}


def config_of(folder: Path) -> Path:
    """Return the file of a profile that this Snakemake reads; config.v9+.yaml comes before config.yaml."""
    major = int(version("snakemake").split(".")[0])
    found = ((re.fullmatch(r"config\.v(\d+)\+\.yaml", path.name), path) for path in folder.glob("config.v*+.yaml"))
    versioned = {int(match[1]): path for match, path in found if match and int(match[1]) <= major}
    return versioned[max(versioned)] if versioned else folder / "config.yaml"


class Profile:
    """Hold a profile's own keys, and the resources of the rule train."""

    def __init__(self, folder: Path) -> None:
        self.file = config_of(folder)
        if not self.file.exists():
            raise FgirError(f"{self.file} does not exist; name the folder of your cluster's profile with --profile.")
        self.keys = read_yaml(self.file)
        defaults, own = self.table("default-resources"), self.table("set-resources").get(RULE) or {}
        if not isinstance(own, dict):
            self.refuse(f"set-resources/{RULE} is not a mapping; write it as `key: value` lines")
        for place, table in (("default-resources", defaults), (f"set-resources/{RULE}", own)):
            self._check_keys(place, table)
        given = {key: value for key, value in defaults.items() if key not in _OF_THE_RULE} | own
        self.resources = {key: plain(value) for key, value in given.items() if value is not None}

    def refuse(self, sentence: str) -> NoReturn:
        """Raise FgirError with the file's name and a sentence."""
        raise FgirError(f"{self.file}: {sentence}.")

    def table(self, key: str) -> dict[str, Any]:
        """Return a mapping of the profile. Raises FgirError if it is none."""
        table = self.keys.get(key) or {}
        if not isinstance(table, dict):
            self.refuse(f"{key} is not a mapping; write it as `key: value` lines, as profiles/slurm does")
        return table

    def text(self, key: str) -> str:
        """Return a resource as text; empty if it is not given."""
        return str(self.resources.get(key, ""))

    def number(self, key: str, least: int = 0) -> int | None:
        """Return a resource that is a whole number from ``least``. Raises FgirError if it is something else."""
        return None if key not in self.resources else self.whole(key, self.resources[key], least)

    def whole(self, key: str, value: Any, least: int = 0) -> int:
        """Return the ``value`` of ``key`` as a whole number from ``least``. Raises FgirError if it is none."""
        value = plain(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.refuse(f"{key} is {value!r}; for fgir submit it must be a whole number from {least}")
        return value

    def threads(self) -> int:
        """Return the cores that set-threads gives the rule; Snakemake's default, one, if it gives none."""
        value = self.table("set-threads").get(RULE)
        return 1 if value is None else self.whole(f"set-threads/{RULE}", value, 1)

    def megabytes(self) -> int | None:
        """Return the main memory in MB, written as mem_mb: 8000, mem: 8GB or mem_mib: 7630; None if it is not given."""
        given = [key for key in _SIZES if key in self.resources]
        if len(given) > 1:
            self.refuse(f"{' and '.join(given)} say the same; keep one of them")
        if not given:
            return None
        (key,), value = given, self.resources[given[0]]
        if key == "mem" and isinstance(value, str):
            found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGTP]?)(i?)B?(?:ytes?)?", value.strip(), re.IGNORECASE)
            if not found:
                self.refuse(f"mem is {value!r}; write it as mem: 16GB, or mem_mb: 16000")
            of_one = (1024 if found[3] else 1000) ** _BYTES[found[2].upper()] if found[2] else 1
            return max(1, math.ceil(float(found[1]) * of_one / 1e6))
        number = self.whole(key, value, 1)
        return math.ceil(number * 1.048576) if key == "mem_mib" else number

    def minutes(self) -> int | None:
        """Return the time limit in minutes, written as runtime: 120 or runtime: 2h; None if it is not given."""
        value = self.resources.get("runtime")
        if not isinstance(value, str):
            return self.number("runtime", 1)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", value.strip().lower())
        unit = _UNITS.get(found[2].rstrip("s") or "s") if found else None
        if found is None or unit is None:
            self.refuse(f"runtime is {value!r}; write minutes, or a number with its unit: 2h, 1.5d, 90m")
        return max(1, int(float(found[1]) * unit))

    def _check_keys(self, place: str, table: dict[str, Any]) -> None:
        for key in table:
            if key not in _KEYS:
                hint = f"; {_INSTEAD[key]}." if key in _INSTEAD else nearest(str(key), _KEYS)
                raise FgirError(
                    f'{self.file}: {place} has the key "{key}", which fgir submit does not know{hint} Options of '
                    "sbatch without a key of their own go into slurm_extra."
                )
        for key in _TASKS:
            if table.get(key) not in (None, 0, 1, "", False):
                self.refuse(f"{place} has {key}: {table[key]}; the number of processes that train a run is processes")


def plain(value: Any) -> Any:
    """Return a value as Snakemake reads it: a quoted text in a text is the inner one, digits are a number."""
    if isinstance(value, float):
        return round(value)
    if not isinstance(value, str):
        return value
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        try:
            text = str(ast.literal_eval(text))
        except (SyntaxError, ValueError):
            return value
    return int(text) if text.isdecimal() else text
