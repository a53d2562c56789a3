"""Hold what a path below a study's results folder names against what the study has."""

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from fgir.results.papers import FIXRES, name_of, read_paper, tables_of
from fgir.results.published import of_table, read_published
from fgir.study import COSTS_AS, Study, address
from fgir.utils.errors import FgirError, nearest
from fgir.workflow.graph import KINDS, Figure, FixRes, FixResFigure, Resolution, alternatives

# All that any kind of job writes, and what of it stands on the whole study.
_FILES = [pattern for line in KINDS for kind in line for pattern in kind.outputs.values()]
_OF_THE_WHOLE = tuple(
    pattern for kind in (Figure, Resolution, FixRes, FixResFigure) for pattern in kind.outputs.values()
)
_PRINTED = (*FixRes.outputs.values(), *FixResFigure.outputs.values())


def validate_target(study: Study, class_counts: Sequence[int], file: str) -> None:
    """Raise FgirError where ``file`` is shaped like one of the results tree, and names what the study does not have.

    ``class_counts`` are the numbers of classes of its datasets.
    """
    identities = list(_identities(study, file))
    if not identities and _names_something(file):
        raise FgirError(f'{file} is not below {study.results}/, where the results of study "{study.name}" are.')
    for pattern, names in identities:
        if pattern in address.COSTS:
            _check_cost(study, class_counts, file, pattern, names)
        elif pattern in _PRINTED:
            _check_printed(study, file, next(iter(names.values())))
        else:
            checked(study, file, names)
            _check_spelling(study, file, pattern, names)


def _check_spelling(study: Study, file: str, pattern: str, names: dict[str, Any]) -> None:
    """Refuse a path that spells out what was published of an axis, which paths leave out."""
    parts = {axis: address.AXES[axis].part(names[axis]) for axis in address.AXES.keys() & names.keys()}
    written = f"{study.results}/{pattern.format_map(names | parts)}"
    if written != file:
        raise FgirError(f"{file} is written without what is published of it: ask for {written}.")


def refused_targets(study: Study, class_counts: Sequence[int]) -> str:
    """Return the expression that fits whole paths which ``validate_target`` refuses, and no others.

    It has no named group and no brace, so that it can be the constraint of a wildcard.
    """
    names: dict[str, Sequence[Any]] = {**_names_of(study), "classes": class_counts}
    names |= {axis: [address.AXES[axis].part(value) for value in names[axis]] for axis in address.AXES}
    allowed = {name: f"(?:{alternatives(map(str, values))})" for name, values in names.items()}
    of_costs = {name: allowed[name] for name in ("dataset", "backbone", "classes")}
    of_costs["setting"] = f"(?:{alternatives(study.cost_settings)})"
    named = [pattern for pattern in _FILES if "{" in pattern]
    valid = [
        address.expression(pattern, of_costs if pattern in address.COSTS else allowed)
        for pattern in named
        if pattern not in _PRINTED
    ]
    valid += map(re.escape, _printed(study))
    shapes = [address.expression(pattern) for pattern in named]
    return f"(?!{re.escape(study.results)}/(?:{'|'.join(valid)})$)(?:.*/)?(?:{'|'.join(shapes)})"


def _printed(study: Study) -> Iterator[str]:
    """Yield the tables and figures of FixRes that a study has cells of, as paths below its results.

    None where the paper is not there or not readable: then every target among them is met with what is wrong with it.
    """
    try:
        tables = tables_of(read_paper(FIXRES))
    except FgirError:
        return
    for name, pattern in product(tables, _PRINTED):
        path = address.fill(pattern, table=name, figure=name)
        try:
            _check_printed(study, path, name)
        except FgirError:
            continue
        yield path


def identity_of(study: Study, file: str) -> dict[str, Any] | None:
    """Return what a file of the study's results tree names (dataset, backbone, ...) and stands on.

    None where it is none of these, or stands on the whole study.
    """
    return next((names for pattern, names in _identities(study, file) if pattern not in _OF_THE_WHOLE), None)


def _identities(study: Study, file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if file.startswith(f"{study.results}/"):
        below = file.removeprefix(f"{study.results}/")
        found = ((pattern, address.identity(pattern, below)) for pattern in _FILES)
        yield from ((pattern, names) for pattern, names in found if names)


def _names_something(file: str) -> bool:
    """Say whether a path is shaped like one of a results tree, wherever that lies."""
    parts = file.split("/")
    ends = ["/".join(parts[start:]) for start in range(len(parts))]
    return any(address.identity(pattern, end) for end in ends for pattern in _FILES)


def checked(study: Study, file: str, names: dict[str, Any]) -> dict[str, Any]:
    """Return the names of an identity, if the study has them; sizes and seeds may be others than the study's."""
    of_study = _names_of(study)
    for kind, name in names.items():
        if kind in of_study and name not in of_study[kind]:
            raise FgirError(f'{file}: study "{study.name}" has no {kind} "{name}"{nearest(name, of_study[kind])}')
    return names


def _names_of(study: Study) -> dict[str, Sequence[str]]:
    """Return the names that a study has of each kind."""
    return {
        "dataset": study.datasets,
        "backbone": study.backbones,
        "setting": study.settings,
        "regime": study.regimes,
        "adaptation": study.adaptations,
        "crops": study.crops,
    }


def _check_cost(study: Study, class_counts: Sequence[int], file: str, pattern: str, names: dict[str, Any]) -> None:
    setting = names["setting"]
    if setting not in study.cost_settings:
        checked(study, file, names)
        measured = address.fill(pattern, **names | {"setting": COSTS_AS[setting]})
        raise FgirError(
            f'{file}: at inference "{setting}" costs what "{COSTS_AS[setting]}" does; ask for '
            f"{study.results}/{measured}, which is of both."
        )
    checked(study, file, {kind: names[kind] for kind in ("dataset", "backbone") if kind in names})
    classes = names.get("classes")
    if classes is not None and classes not in class_counts:
        verb = "macs" if pattern == address.MACS else "timing"
        raise FgirError(
            f'{file}: no dataset of study "{study.name}" has {classes} classes; without a study there is '
            f"fgir {verb} --classes {classes}."
        )


def _check_printed(study: Study, file: str, name: str) -> None:
    """Raise FgirError where FixRes has no such table or figure, or the study none of its cells."""
    paper = read_paper(FIXRES)
    tables, figures = tables_of(paper), {name_of(figure) for figure in paper.figures}
    there = [table for table in tables if (table in figures) is not file.endswith(".md")]
    if name not in there:
        raise FgirError(f'{file}: FixRes has no such table or figure "{name}"{nearest(name, there)}')
    cells = {cell for row in of_table(read_published(FIXRES), tables[name]) for cell in row.cells}
    if cells.isdisjoint(study.cells()):
        raise FgirError(
            f'{file}: study "{study.name}" has no cell of it; fgir fixres {name} --published shows the '
            "published values alone."
        )
