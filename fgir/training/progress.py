"""Progress of a training: a bar on a terminal, a line an epoch in a log."""

import sys
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class EpochBar:
    """A bar over the steps of all epochs; each epoch that ends leaves one line. Nothing at all unless ``shown``."""

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

    def __enter__(self) -> "EpochBar":
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def start(self, epoch: int, step: int) -> None:
        """Show that ``epoch`` (from 0) is under way, ``step`` of its steps done."""
        text = f"epoch {epoch + 1}/{self.epochs}"
        self.bar.update(self.task, description=text, completed=epoch * self.steps + step)

    def advance(self, steps: int) -> None:
        """Count ``steps`` more."""
        self.bar.advance(self.task, steps)

    def close(self, row: Mapping[str, float], rate: float | None = None) -> None:
        """Leave the line of an epoch: its row of the history, and the learning rate where several are tried."""
        if not self.shown:
            return
        line = "epoch {epoch}/{epochs}  loss {loss:.3f}  top-1 {top1:.1f} %  {seconds:.1f} s"
        tried = "" if rate is None else f"lr {rate:g}  "
        self.bar.console.print(tried + line.format(epochs=self.epochs, **row), highlight=False)
        sys.stderr.flush()
