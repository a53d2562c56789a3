"""Processes of their own, forked from one that has loaded torch and timm: to load them takes longer than to train.

A process has its own number, environment, output and signals, as if a shell had started it. What it does not show is
how Python starts: tests of that run `python -m fgir`.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    ["timm", "pandas", "pyarrow.parquet", "fgir.cli.main", "fgir.training.train", "fgir.evaluation.evaluate"]
)

_LIMIT = 300  # seconds, on a machine that does much else


class Ended(NamedTuple):
    """What is left of a process; ``returncode`` is -n where signal n ended it. Of a log, both texts are the whole."""

    returncode: int
    stdout: str
    stderr: str


class Started:
    """A function that runs in a process of its own."""

    def __init__(
        self,
        function: Callable[..., object],
        *arguments: Any,
        environment: Mapping[str, str] = os.environ,
        log: Path | None = None,
    ) -> None:
        """Start it; what it prints goes into ``log``, if there is one."""
        self._folder = TemporaryDirectory()
        self._files = [log] if log else [Path(self._folder.name, name) for name in ("stdout", "stderr")]
        given = (function, arguments, dict(environment), os.getcwd(), self._files)
        self._process = _SERVER.Process(target=_run, args=given, daemon=True)
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ended(self) -> Ended:
        """Wait for its end."""
        self._process.join(_LIMIT)
        assert self._process.exitcode is not None, f"it runs for more than {_LIMIT} s"
        said = [path.read_text() if path.exists() else "" for path in self._files]
        return Ended(self._process.exitcode, said[0], said[-1])


def start(arguments: list[str], **options: Any) -> Started:
    """Start ``fgir ARGUMENTS``; ``options`` are those of Started."""
    return Started(_fgir, arguments, **options)


def run(arguments: list[str], **options: Any) -> Ended:
    """Run ``fgir ARGUMENTS`` to its end."""
    return start(arguments, **options).ended()


def _run(
    function: Callable[..., object], arguments: Any, environment: dict[str, str], folder: str, files: list[Path]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    streams = [os.open(path, os.O_CREAT | os.O_WRONLY) for path in files]
    os.dup2(streams[0], 1)
    os.dup2(streams[-1], 2)
    function(*arguments)


def _fgir(arguments: list[str]) -> None:
    from fgir.cli.main import main

    sys.argv[1:] = arguments
    main(arguments)
