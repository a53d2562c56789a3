"""Handle the signals by which a scheduler warns a job that it will soon be stopped."""

import signal
from pathlib import Path
from types import FrameType, TracebackType

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
SIGNALS = (signal.SIGTERM, *WARNINGS)
EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: run the same command again.


_early: list[str] = []


def listen() -> None:
    """Keep a warning for the StopWarning to come, as a job may be warned while it still reads its inputs."""
    for number in WARNINGS:
        signal.signal(number, lambda number, frame: _early.append(signal.Signals(number).name))


class Interrupted(Exception):
    """Report that a training was warned by ``signal``, has saved its state in ``work`` and stops."""

    def __init__(self, signal: str, work: Path) -> None:
        super().__init__(f"{signal} received: the state is saved in {work}; the same command goes on from there.")
        self.signal = signal


class StopWarning:
    """Catch warnings while entered: they set ``given`` and do not end the process. One that ``listen`` kept counts."""

    def __init__(self) -> None:
        self.given: str | None = _early.pop() if _early else None

    def __enter__(self) -> "StopWarning":
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.given = signal.Signals(number).name
