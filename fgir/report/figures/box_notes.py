"""Word what stands above and below the box plot: its title, what a point is, and what is not in it."""

from collections import defaultdict
from collections.abc import Sequence, Sized
from operator import itemgetter

from fgir.report.figures.box_points import Boxes, Panel
from fgir.report.tables.display import Row, condition, in_order, is_cropped, sizes, state, varies
from fgir.utils.words import counted

_NAMED = 8
_FEWEST = 4


def title(rows: Sequence[Row], content: Boxes, panels: Sequence[Panel], conditions: Sequence[str]) -> str:
    """Return the figure's title: how many backbones and datasets it is of, and at which sizes."""
    drawn = [row for row in rows if any(row[panel.column] is not None for panel in panels)]
    if content.of == "backbones":
        points = {point for panel in panels for figures in panel.values.values() for point in figures}
        backbones, datasets = len(points), len(content.datasets)
    else:
        backbones, datasets = (len({row[key] for row in drawn}) for key in ("backbone", "dataset"))
    over = ("; " if any(map(state, drawn)) else ", ").join(conditions)
    return f"{counted(backbones, 'backbone')} on {counted(datasets, 'dataset')}, {over}"


def notes(rows: Sequence[Row], content: Boxes, panels: Sequence[Panel], conditions: Sequence[str]) -> list[str]:
    """Return the notes below the figure, a text each."""
    drawn = [row for row in rows if condition(row) in conditions]
    lines = [_meaning(content, _varying(drawn), any(has_box(f) for p in panels for f in p.values.values()))]
    if content.without_figures:
        lines.append(f"Not in the means, for want of figures: {', '.join(content.without_figures)}.")
    lines += _left_out(panels, len(conditions) > 1)
    if _is_uneven(panels):
        what = "backbones" if content.of == "backbones" else "backbones or datasets"
        lines.append(f"Settings differ in their {what} here: their boxes do not compare like with like.")
    doubtful = [
        panel.metric.name
        for panel in panels
        if any(points & panel.values.get(place, {}).keys() for place, points in panel.doubtful.items())
    ]
    lines += [f"Hollow points: {' and '.join(doubtful)} measured on a disturbed machine."] if doubtful else []
    lines += _mixed(rows, panels)
    left_out = [panel for panel in content.panels if panel not in panels]
    absent = [panel.metric.name for panel in left_out if all(row[panel.column] is None for row in rows)]
    equal = [panel.metric.name for panel in left_out if panel.metric.name not in absent]
    same = "the same in all cells of each dataset" if content.of == "cells" else "the same at every point"
    for names, reason in ((absent, "in none of these rows"), (equal, same)):
        lines += [f"Not drawn, because {reason}: {' and '.join(names)}."] if names else []
    return lines


def has_box(figures: Sized) -> bool:
    """Say whether there are figures enough for a box. Fewer are points alone."""
    return len(figures) >= _FEWEST


def _varying(rows: Sequence[Row]) -> str:
    """Say what differs between the rows of panels: sizes, adaptations, both, or nothing."""
    words = ["sizes"] * varies(rows, sizes) + ["adaptations"] * varies(rows, itemgetter("adaptation"))
    return " and ".join(words + ["crops"] * varies(rows, is_cropped))


def _meaning(content: Boxes, varying: str, boxed: bool) -> str:
    box = " A box is the middle half with the median." * boxed
    if content.of == "cells":
        every = f", of all {varying}" if varying else ""
        return f"A point is a cell. 0: the lowest of its dataset{every}, 1: the highest.{box}"
    datasets = content.datasets
    point = f"a backbone on {datasets[0]}" if len(datasets) == 1 else f"a backbone's mean over {', '.join(datasets)}"
    every = f" and {varying}" if varying else ""
    return f"A point is {point}. 0: the lowest point of all settings{every}, 1: the highest.{box}"


def _left_out(panels: Sequence[Panel], named_sizes: bool) -> list[str]:
    """Return sentences on the points that are left out because they lack a dataset: one, where panels agree."""
    texts = {panel.metric.name: _named(panel, named_sizes) for panel in panels}
    if len(set(texts.values())) == 1:
        [text] = set(texts.values())
        return [f"Left out, lacking a dataset: {text}."] if text else []
    return [f"Left out of {name}, lacking a dataset: {text}." for name, text in texts.items() if text]


def _named(panel: Panel, named_sizes: bool) -> str:
    """Return the points that are left out, settings of the same backbone that lack the same datasets together."""
    settings: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (backbone, where, setting), lacking in panel.left_out.items():
        settings[backbone, where, tuple(lacking)].append(setting)
    names = []
    for (backbone, where, datasets), left_out in settings.items():
        ordered = " ".join(in_order(left_out))
        words = [backbone, *([] if set(left_out) == _tried(panel) else [ordered]), *([where] if named_sizes else [])]
        names.append(f"{' '.join(words)} ({', '.join(datasets)})")
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _tried(panel: Panel) -> set[str]:
    return {setting for _, setting in panel.values} | {setting for _, _, setting in panel.left_out}


def _is_uneven(panels: Sequence[Panel]) -> bool:
    """Say whether any setting of a panel has other points than another of the same sizes."""
    for panel in panels:
        points: dict[str, set[frozenset[object]]] = defaultdict(set)
        for (where, _), figures in panel.values.items():
            points[where].add(frozenset(figures))
        if any(len(kinds) > 1 for kinds in points.values()):
            return True
    return False


def _mixed(rows: Sequence[Row], panels: Sequence[Panel]) -> list[str]:
    """Return a sentence for each cost that was measured on more than one device, or in more than one way."""
    lines = []
    for panel in panels:
        keys = panel.measure.conditions
        found = {tuple(row[key] for key in keys) for row in rows if row[panel.column] is not None}
        if len(found) > 1:
            ways = "; ".join(sorted(", ".join("several" if key is None else str(key) for key in way) for way in found))
            lines.append(f"Not measured alike, and not comparable: {panel.metric.name} ({ways}).")
    return lines


def nothing_to_draw(content: Boxes, rows: Sequence[Row]) -> str:
    """Return the sentence that says why there is no figure."""
    if all(row[panel.column] is None for panel in content.panels for row in rows):
        return "There is nothing to draw: no cell has an accuracy, a training time or a throughput yet."
    if not content.datasets:
        return (
            "There is nothing to draw: no dataset has an accuracy, a training time and a throughput yet. Name one with "
            "--dataset, or say --of cells."
        )
    if any(panel.left_out for panel in content.panels) and not any(panel.values for panel in content.panels):
        return (
            "There is nothing to draw: a point is a backbone's mean over datasets, and too few backbones have a figure "
            f"of each of {', '.join(content.datasets)}. Name other datasets with --dataset, or say --of cells."
        )
    within = "of a dataset " * (content.of == "cells")
    return f"There is nothing to draw: no two cells {within}differ in accuracy, training time or throughput."
