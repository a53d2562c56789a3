"""Read the last run of Snakemake on this machine from the log that Snakemake keeps of every run.

Jobs that it sent to Slurm are left out: Slurm and their own logs say more.
"""

import os
import platform
import re
import time
from pathlib import Path
from typing import Literal, NamedTuple

LOGS = Path(".snakemake/log")
_TIME = re.compile(r"^\[(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\]$")
_BEGUN = re.compile(r"^localrule (\w+):$")
_ENDED = re.compile(r"^Finished jobid: (\d+) ")
_FAILED = re.compile(r"^Error in rule \w+:$")
_PROGRESS = re.compile(r"^(\d+) of (\d+) steps \(\d+%\) done$", re.MULTILINE)
_TOTAL = re.compile(r"^total +(\d+)$", re.MULTILINE)
_OVER = re.compile(r"^Complete log\(s\): ", re.MULTILINE)
_BEGAN = re.compile(r"^  Date: (.+)$", re.MULTILINE)
_HOST = re.compile(r"^  Host: (.+)$", re.MULTILINE)


class Step(NamedTuple):
    """Describe a job of a run on this machine."""

    number: str
    state: Literal["RUNNING", "DONE", "FAILED", "STOPPED"]
    """STOPPED: Snakemake ended before the job did."""
    seconds: float
    """The time it took, or has taken so far."""
    work: str
    """The rule and its wildcards: train cub resnet101 cal 224 1."""
    log: Path | None
    """The job's own log."""


class LastRun(NamedTuple):
    """Describe the last run of Snakemake in a folder."""

    file: Path
    began: str
    steps: list[Step]
    done: int
    total: int
    alive: bool

    def summary(self) -> str:
        """Return one sentence with the numbers of its jobs that are done, failed and running."""
        counts = [
            (sum(step.state == state for step in self.steps), state) for state in ("FAILED", "RUNNING", "STOPPED")
        ]
        others = "".join(f", {count} {state.lower()}" for count, state in counts if count)
        ended = "" if self.alive else ", and has ended"
        return f"Snakemake, begun {self.began}{ended}: {self.done} of {self.total} steps done{others}."


def last_run(folder: Path) -> LastRun | None:
    """Return the newest run of ``folder``; None if there was none."""
    logs = sorted((folder / LOGS).glob("*.snakemake.log"))
    if not logs:
        return None
    text = logs[-1].read_text(errors="replace")
    alive = not _OVER.search(text) and _is_written(logs[-1], text)
    steps = [_outdated(step, alive) for step in _steps(text, folder)]
    done, total = _PROGRESS.findall(text)[-1] if _PROGRESS.search(text) else (0, (_TOTAL.findall(text) or [0])[0])
    began = _BEGAN.search(text)
    return LastRun(logs[-1], began[1] if began else "?", steps, int(done), int(total), alive)


def _steps(text: str, folder: Path) -> list[Step]:
    """Return the jobs, in the order of their last start."""
    now = time.time()
    steps: dict[str, Step] = {}
    begun: dict[str, float] = {}
    for block in re.split(r"^(?=\[)", text, flags=re.MULTILINE):
        head, *lines = block.splitlines() or [""]
        at = _TIME.match(head)
        when = time.mktime(time.strptime(at[1])) if at else now
        first = lines[0] if lines else ""
        if rule := _BEGUN.match(first):
            keys = _keys(lines[1:])
            number = keys.get("jobid", "")
            steps.pop(number, None)
            begun[number] = when
            values = [pair.partition("=")[2] for pair in keys.get("wildcards", "").split(", ")]
            log = folder / keys["log"].split(", ")[0] if "log" in keys else None
            steps[number] = Step(number, "RUNNING", now - when, " ".join([rule[1], *filter(None, values)]), log)
        ended, failed = _ENDED.match(first), _FAILED.match(first)
        number = ended[1] if ended else _keys(lines[1:]).get("jobid", "") if failed else ""
        if number in steps:
            state: Literal["DONE", "FAILED"] = "DONE" if ended else "FAILED"
            steps[number] = steps[number]._replace(state=state, seconds=when - begun[number])
    return list(steps.values())


def _keys(lines: list[str]) -> dict[str, str]:
    """Return the indented lines `key: value` below a headline."""
    pairs = (line.strip().partition(": ") for line in lines if line.startswith("    "))
    return {key: value for key, colon, value in pairs if colon}


def _outdated(step: Step, alive: bool) -> Step:
    return step._replace(state="STOPPED", seconds=0.0) if step.state == "RUNNING" and not alive else step


def _is_written(log: Path, text: str) -> bool:
    """Say whether a process has this log open. A run on another machine is taken for running."""
    host = _HOST.search(text)
    if host and host[1] != platform.node():
        return True
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(descriptor) == str(log.resolve()):
                return True
        except OSError:
            continue
    return False
