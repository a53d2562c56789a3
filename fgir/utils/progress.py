"""Show lines and progress bars on standard error, so that standard output holds only data."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


def inform(text: str) -> None:
    """Print one line without markup or wrapping."""
    _console().print(text, markup=False, highlight=False, soft_wrap=True)


def lasted(seconds: float) -> str:
    """Return a time as Slurm writes it: 4:05, 12:04:05."""
    hours, minutes, rest = int(seconds) // 3600, int(seconds) // 60 % 60, int(seconds) % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def tracked(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items under a progress bar; ``total`` is their number if they have no length."""
    from rich.progress import track

    yield from track(items, description=description, total=total, console=_console())


@contextmanager
def waiting(description: str) -> Iterator[None]:
    """Show a bar for work of unknown length, with the time it has taken."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=_console()) as bar:
        bar.add_task(description, total=None)
        yield


@contextmanager
def bytes_bar(description: str, done: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar over ``total`` bytes (None: unknown), of which ``done`` are there; yield a function that adds more."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=_console()) as bar:
        task = bar.add_task(f"Downloading {description}", completed=done, total=total)
        yield lambda count: bar.advance(task, count)


def _console():
    from rich.console import Console

    return Console(stderr=True)
