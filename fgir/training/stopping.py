"""The signals by which a scheduler says that the job will soon be stopped."""

import signal
from pathlib import Path
from types import FrameType, TracebackType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: run the same command again.


class Interrupted(Exception):
    """The training was warned by ``signal``, has saved its state in ``work`` and stops."""

    def __init__(self, signal: str, work: Path) -> None:
        super().__init__(f"{signal} received: the state is saved in {work}; the same command goes on from there.")
        self.signal = signal


class StopWarning:
    """While entered, a warning signal sets ``given`` in place of ending the process."""

    def __init__(self) -> None:
        self.given: str | None = None

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
