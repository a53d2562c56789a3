"""Progress of a training: a bar on a terminal; in a log a line an epoch, and lines of steps within long ones."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# In a log: a line at each tenth of an epoch, but not so soon after another; and at least so often.
_SOONEST, _LATEST = 30.0, 600.0


class EpochBar:
    """Show a bar over the steps of all epochs, and a line for each epoch that ends; nothing unless ``shown``.

    ``loss`` is the mean of the epoch up to now, where it is known; it stands in the lines of steps.
    """

    def __init__(self, epochs: int, steps: int, shown: bool = True) -> None:
        self.epochs, self.steps, self.shown = epochs, steps, shown
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )
        self.task = self.bar.add_task("training", total=epochs * steps)
        self.loss: float | None = None
        self.epoch = self.step = self.told_step = 0
        self.told_at = time.monotonic()

    def __enter__(self) -> "EpochBar":
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def start(self, epoch: int, step: int) -> None:
        """Show the beginning of ``epoch`` (from 0), of which ``step`` steps are done."""
        text = f"epoch {epoch + 1}/{self.epochs}"
        self.epoch, self.step, self.told_step, self.loss = epoch, step, step, None
        self.bar.update(self.task, description=text, completed=epoch * self.steps + step)

    def advance(self, steps: int) -> None:
        """Count ``steps`` more."""
        self.bar.advance(self.task, steps)
        tenth = 10 * self.step // self.steps
        self.step += steps
        seconds = time.monotonic() - self.told_at
        due = seconds >= _LATEST or (seconds >= _SOONEST and 10 * self.step // self.steps > tenth)
        if due and self.shown and self.bar.disable and self.step < self.steps:
            self._tell(seconds)

    def close(self, row: Mapping[str, float], rate: float | None = None) -> None:
        """Print the line of an epoch: its row of the history, and the learning rate if more than one is tried."""
        if not self.shown:
            return
        line = "epoch {epoch}/{epochs}  loss {loss:.3f}  top-1 {top1:.1f} %  {seconds:.1f} s"
        self.told_at = time.monotonic()
        tried = "" if rate is None else f"lr {rate:g}  "
        self.bar.console.print(tried + line.format(epochs=self.epochs, **row), highlight=False)
        sys.stderr.flush()

    def _tell(self, seconds: float) -> None:
        """Print a line with the steps done."""
        loss = "" if self.loss is None else f"  loss {self.loss:.3f}"
        speed = (self.step - self.told_step) / seconds
        line = f"epoch {self.epoch + 1}/{self.epochs}  step {self.step}/{self.steps}{loss}  {speed:.2f} steps/s"
        self.bar.console.print(line, highlight=False)
        sys.stderr.flush()
        self.told_at, self.told_step = time.monotonic(), self.step
