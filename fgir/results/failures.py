"""Note the jobs of a run that failed, as they fail, each with the sentence that its log ends in."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from fgir.study.address import FAILED
from fgir.utils.log import MARK

_SENTENCE = re.compile(r"^fgir [a-z]+: ")
_SILENT = "its log ends without an error, as that of a job that was killed: out of memory or time?"
_READ = 100_000


class Failure(NamedTuple):
    """Describe a job that failed: its rule, its log, what it was to make below the results folder, why it did not."""

    rule: str
    log: str
    outputs: tuple[str, ...]
    sentence: str


def note_failure(results: str | Path, rule: str, logs: Sequence[str], outputs: Iterable[str]) -> None:
    """Note in the results folder a job that failed; the first of its ``logs`` is that of its command."""
    below = tuple(output.removeprefix(f"{results}/") for output in outputs)
    failure = Failure(rule, logs[0] if logs else "", below, sentence_of(logs[0]) if logs else _SILENT)
    path = Path(results, FAILED)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        stream.write(json.dumps(failure._asdict()) + "\n")


def failures_in(results: str | Path) -> list[Failure]:
    """Return the jobs noted in the results folder, each once, without those that ended well after all."""
    path = Path(results, FAILED)
    lines = path.read_bytes().splitlines() if path.is_file() else []
    last = {(failure.rule, failure.log): failure for line in lines if (failure := _noted(line))}
    return [
        failure
        for failure in last.values()
        if not failure.outputs or not all(Path(results, file).exists() for file in failure.outputs)
    ]


def _noted(line: bytes) -> Failure | None:
    """Return the failure that a line notes; None of one that is damaged, as by a crash of the machine."""
    try:
        content = json.loads(line)
        return Failure(**content | {"outputs": tuple(content["outputs"])})
    except (ValueError, TypeError, KeyError):
        return None


def sentence_of(log: str | Path) -> str:
    """Return why a job failed, on one line, as the end of its log says: the error of its command, or of Python."""
    try:
        with Path(log).open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - _READ))
            lines = stream.read().decode(errors="replace").splitlines()
    except OSError:
        return "it has no log: it never started (did Slurm refuse it?), or was killed"
    # A training that goes on begins its log with what its earlier processes wrote: why those failed is another matter.
    lines = lines[max((number + 1 for number, line in enumerate(lines) if line.startswith(MARK)), default=0) :]
    starts = [number for number, line in enumerate(lines) if _SENTENCE.match(line)]
    if starts:
        return " ".join(" ".join(lines[starts[-1] :]).split()).split(": ", 1)[1]
    text = [line.strip() for line in lines if line.strip()]
    return text[-1] if "Traceback (most recent call last):" in text else _SILENT
