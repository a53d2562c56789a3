"""Tabulate a measure: backbones x datasets of a setting, with means; of fewer, settings or sizes are the columns."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from fgir.report.tables.display import UNSTEADY, Row, condition, is_unsteady, settings_of, short, sides, varies
from fgir.results.measures import MEASURES, Measure
from fgir.utils.errors import FgirError, nearest

if TYPE_CHECKING:
    import numpy as np

ABSENT = "–"


class Matrix(NamedTuple):
    """Hold a table ready to print: a text of each entry, and which are the best."""

    title: str
    corner: str
    """The axis of the rows: dataset, backbone or size."""
    columns: list[str]
    rows: list[str]
    means: list[str]
    """Names of the rows or columns that are means."""
    texts: list[list[str]]
    best: list[list[bool]]
    best_of: str
    """The axis along which the best is marked: dataset, setting or size."""
    doubtful: list[list[bool]]
    """Figures measured on a disturbed machine, and means of such; they are never the best."""
    notes: list[str]


# What the rows or columns of a table can be, and what a table of all of one can be of.
_KEYS: dict[str, Callable[[Row], Any]] = {
    "dataset": lambda row: row["dataset"],
    "backbone": lambda row: row["backbone"],
    "setting": lambda row: row["setting"],
    "size": condition,
}


def matrices(
    rows: Sequence[Row],
    setting: str | None = None,
    value: str = "top1",
    subsets: Sequence[tuple[str, ...]] = (),
) -> list[Matrix]:
    """Return a table of each setting and pair of sizes, or of more than one where there is one backbone or one dataset.

    Beside the mean over all datasets there is one over each of ``subsets`` whose datasets are all there.
    FgirError where ``setting`` or ``value`` is not one of those that there are, or no figure at all is there.
    """
    if value not in MEASURES:
        raise FgirError(f'A table cannot show "{value}"{nearest(value, MEASURES)}')
    present = settings_of(rows)
    if setting is not None and setting not in present:
        raise FgirError(f'The summary has no setting "{setting}"{nearest(setting, present)}')
    column = MEASURES[value].column
    cells = [row for row in rows if setting in (None, row["setting"])]
    filled = [row for row in cells if row[column] is not None]
    if not filled:
        raise FgirError(f"The summary has no figure to show: {column} is null in every cell.")
    axes = _axes(filled)
    of_all = _of_all(filled, axes)
    return [
        _matrix(table, axes, MEASURES[value], ", ".join([*of_all, *chosen]), subsets)
        for chosen, table in _tables(cells, axes)
        if any(row[column] is not None for row in table)
    ]


def _axes(rows: Sequence[Row]) -> tuple[str, str]:
    """Return what the rows and the columns of every table are."""
    varying = {name for name, key in _KEYS.items() if varies(rows, key)}
    second = next((name for name in ("setting", "size") if name in varying), None)
    if second is None or {"dataset", "backbone"} <= varying:
        return "dataset", "backbone"
    if not varying & {"dataset", "backbone"} and {"setting", "size"} <= varying:
        return "size", "setting"
    return "backbone" if "backbone" in varying else "dataset", second


def _of_all(rows: Sequence[Row], axes: tuple[str, str]) -> list[str]:
    """Return what the titles of all tables say: the one backbone, the one dataset, unless an axis says it."""
    names = {"backbone": backbone_titles(rows)[0], "dataset": rows[0]["dataset"]}
    title = " on ".join(name for axis, name in names.items() if axis not in axes)
    return [title] if title else []


def _tables(rows: Sequence[Row], axes: tuple[str, str]) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """Yield what each table is of besides its axes, a setting or a pair of sizes, and its rows."""
    others = [name for name in ("setting", "size") if name not in axes]
    for chosen in product(*(_values(rows, name) for name in others)):
        yield chosen, [row for row in rows if tuple(_KEYS[name](row) for name in others) == chosen]


def _values(rows: Sequence[Row], axis: str) -> list[Any]:
    """Return what there is on an axis: settings in the study's order, sizes by size, all others as they come."""
    if axis == "size":
        rows = sorted(rows, key=sides)
    found = dict.fromkeys(map(_KEYS[axis], rows))
    return settings_of(rows) if axis == "setting" else list(found)


def _matrix(
    cells: Sequence[Row], axes: tuple[str, str], value: Measure, titled: str, subsets: Sequence[tuple[str, ...]]
) -> Matrix:
    import numpy as np

    rows = [row for row in cells if row[value.column] is not None]
    there = [set(map(_KEYS[axis], rows)) for axis in axes]
    names = [[name for name in _values(cells, axis) if name in own] for axis, own in zip(axes, there, strict=True)]
    figures = np.full((len(names[0]), len(names[1])), np.nan)
    doubts = np.zeros_like(figures)
    for row in rows:
        place = tuple(own.index(_KEYS[axis](row)) for axis, own in zip(axes, names, strict=True))
        figures[place] = row[value.column] / value.scale
        doubts[place] = is_unsteady(row, value.column)
    lines, columns = (_Means.of(axis, own, subsets) for axis, own in zip(axes, names, strict=True))
    figures, doubts = (columns.added(lines.added(array).T).T for array in (figures, doubts))
    # Backbones are compared where there are several, else settings, else sizes: the columns of a row, or the reverse.
    across = axes[0] != "backbone"
    steady, means_behind = np.where(doubts > 0, np.nan, figures), len((columns if across else lines).of_names)
    best = _best(steady, means_behind, value.more_is_better, across)
    labels = [_labels(cells, axis, own) for axis, own in zip(axes, names, strict=True)]
    labels = [[*own, *means.of_names] for own, means in zip(labels, (lines, columns), strict=True)]
    corner, best_of = axes[0], axes[0] if across else axes[1]
    if axes[1] == "backbone" and len(names[1]) > len(names[0]):
        figures, doubts, best, labels, corner = figures.T, doubts.T, best.T, labels[::-1], axes[1]
    texts = [[_text(figure, value) for figure in line] for line in figures.tolist()]
    means = [*lines.of_names, *columns.of_names]
    notes = [*lines.notes, *columns.notes, *_notes(rows, value, bool(np.isnan(figures).any())), *_without(cells, rows)]
    doubtful: list[list[bool]] = (doubts > 0).tolist()
    if any(map(any, doubtful)):
        notes.append(f"{UNSTEADY} measured on a disturbed machine, and not compared")
    title = f"{titled}: {value.title}"
    return Matrix(title, corner, labels[1], labels[0], means, texts, best.tolist(), best_of, doubtful, notes)


class _Means(NamedTuple):
    """Hold the means behind an axis, by their names: the places of what each is over."""

    of_names: dict[str, list[int]]
    notes: list[str]

    @classmethod
    def of(cls, axis: str, names: Sequence[str], subsets: Sequence[tuple[str, ...]]) -> "_Means":
        """Return the means of all datasets and of those subsets that are there, or of all backbones; of one alone, of
        settings and of sizes none.
        """
        if len(names) < 2 or axis not in ("dataset", "backbone"):
            return cls({}, [])
        everything = list(range(len(names)))
        if axis == "backbone":
            return cls({"mean": everything}, [])
        means, notes = {f"mean {len(names)}": everything}, []
        for subset in subsets:
            if len(names) > len(subset) and set(subset) <= set(names):
                # Two of one size differ by a prime.
                alike = sum(name.rstrip("'") == f"mean {len(subset)}" for name in means)
                name = f"mean {len(subset)}" + "'" * alike
                means[name] = [names.index(dataset) for dataset in subset]
                notes.append(f"{name}: {', '.join(subset)}")
        return cls(means, notes)

    def added(self, figures: "np.ndarray") -> "np.ndarray":
        """Return figures with the means as last rows; a mean that lacks a figure is NaN."""
        import numpy as np

        return np.vstack([figures, *(figures[places].mean(axis=0) for places in self.of_names.values())])


def _best(figures: "np.ndarray", means: int, more_is_better: bool, across: bool) -> "np.ndarray":
    """Mark the best of each row (``across``) or column, whose last ``means`` do not compete; of equal ones all.

    Nothing is marked where there is nothing to compare.
    """
    import numpy as np

    compared = figures if across else figures.T
    compared = compared[:, : compared.shape[1] - means]
    worth = np.where(np.isnan(compared), -np.inf, compared if more_is_better else -compared)
    varying = (~np.isnan(compared)).sum(axis=1, keepdims=True) > 1
    marked = np.pad(varying & (worth == worth.max(axis=1, keepdims=True)), ((0, 0), (0, means)))
    return marked if across else marked.T


def _labels(rows: Sequence[Row], axis: str, names: Sequence[str]) -> list[str]:
    if axis != "backbone":
        return list(names)
    titles = dict(zip(_values(rows, "backbone"), backbone_titles(rows), strict=True))
    return [titles[name] for name in names]


def backbone_titles(rows: Sequence[Row]) -> list[str]:
    """Return the backbones as shown, each once; of two of one title with their pretraining, or else their names."""
    named = {row["backbone"]: (row["backbone_title"], row["pretraining"]) for row in rows}
    titles, both = [title for title, _ in named.values()], list(named.values())
    return [
        title
        if titles.count(title) == 1
        else f"{title} ({pretraining if pretraining and both.count((title, pretraining)) == 1 else backbone})"
        for backbone, (title, pretraining) in named.items()
    ]


def _text(figure: float, value: Measure) -> str:
    if figure != figure:  # NaN
        return ABSENT
    return f"{figure:.2f}" if value.accuracy else short(figure)


def _notes(rows: Sequence[Row], value: Measure, absent: bool) -> list[str]:
    notes = []
    if absent:
        notes.append(f"{ABSENT} no figure, or a mean that lacks one")
    if all(row["seeds_ok"] == 1 for row in rows):
        notes.append("every figure is of a single seed")
    ways = {tuple(row[key] for key in value.conditions) for row in rows}
    if len(ways) > 1:
        named = (", ".join("several" if key is None else str(key) for key in way) for way in ways)
        notes.append(f"not measured alike, and not comparable: {' / '.join(sorted(named))}")
    return notes


def _without(cells: Sequence[Row], filled: Sequence[Row]) -> list[str]:
    """Name the datasets and backbones that have no figure at all, and so no place in the table nor in its means."""
    datasets = [name for name in _values(cells, "dataset") if name not in {row["dataset"] for row in filled}]
    there = {row["backbone"] for row in filled}
    backbones = [
        title
        for name, title in zip(_values(cells, "backbone"), backbone_titles(cells), strict=True)
        if name not in there
    ]
    return [f"without any figure: {', '.join(datasets + backbones)}"] if datasets or backbones else []
