"""Write the page of a paper's published accuracies: what they are, what to mind, their tables, their box plot."""

from collections.abc import Sequence
from pathlib import Path

from fgir.report.figures.boxes import draw_boxes
from fgir.report.tables.display import Row, settings_of
from fgir.report.tables.matrix import matrices
from fgir.report.tables.matrix_show import markdown
from fgir.results.cell import mean
from fgir.results.papers import Paper, read_paper
from fgir.results.published import Published, as_summary, by_cell, counts, of_source
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing
from fgir.utils.text import read_text


def write_page(rows: Sequence[Published], accuracies: Path, path: Path) -> None:
    """Write the page of published accuracies, and its figure beside it as PNG and SVG. Raises FgirError as ``page``."""
    paper = read_paper(accuracies)
    figures = [Path(path).with_suffix(suffix) for suffix in (".png", ".svg")]
    text = page(rows, accuracies, figures[0].name)
    draw_boxes(as_summary(of_source(rows, paper.main)), figures, over=paper.means_over)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(rows: Sequence[Published], accuracies: Path, picture: str) -> str:
    """Return the text of the page of ``rows``, which were read from the CSV file ``accuracies``.

    ``picture`` is the path of its box plot, relative to it. FgirError where the files of the paper beside the CSV file
    are missing, or name what there is not.
    """
    paper = read_paper(accuracies)
    summary = as_summary(of_source(rows, paper.main))
    later = of_source(rows, paper.later) if paper.later else []
    subsets = [tuple(paper.means_over)] if paper.means_over else []
    return _filled(
        accuracies.with_suffix(".md"),
        sources="\n".join(f"- {line}" for line in counts(rows)),
        differences=_differences(of_source(rows, paper.main), later),
        diverged=_diverged(summary, paper),
        means=_means(summary, subsets),
        means_over=" and ".join(filter(None, (", ".join(paper.means_over[:-1]), *paper.means_over[-1:]))),
        picture=picture,
        matrices="".join(
            f"## {_heading(table.title, summary)}\n\n{markdown(table)}\n"
            for table in matrices(summary, subsets=subsets)
        ),
        later="".join(markdown(table) for table in matrices(as_summary(later), subsets=subsets)) if later else "",
    )


def _filled(path: Path, **parts: str) -> str:
    """Return the text of a file with each ``{name}`` in it replaced by the part of that name."""
    try:
        return read_text(path).format_map(parts).rstrip("\n") + "\n"
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; write the text of the page there, as config/README.md says.") from None
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        names = ", ".join(f"{{{name}}}" for name in parts)
        raise FgirError(
            f"{path} cannot be filled in ({error}); braces stand around one of {names}, and double for themselves."
        ) from None


def _heading(title: str, summary: Sequence[Row]) -> str:
    setting, rest = title.split(",", 1)
    single = all(row["seeds_ok"] == 1 for row in summary if row["setting"] == setting)
    return f"`{setting}`{'†' * single},{rest}"


def _differences(before: Sequence[Published], after: Sequence[Published]) -> str:
    old, new = by_cell(before), by_cell(after)
    changed = [(row, old[cell]) for cell, row in new.items() if cell in old and row.top1 != old[cell].top1]
    return ", ".join(f"{row.dataset} {row.top1:.2f} ({earlier.top1:.2f} before)" for row, earlier in changed)


def _diverged(summary: Sequence[Row], paper: Paper) -> str:
    top1 = {(row["backbone"], row["dataset"], row["setting"]): row["top1"] for row in summary}
    titles = {row["backbone"]: row["backbone_title"] for row in summary}
    parts = []
    for cells in paper.diverged:
        for setting in (cells.setting, cells.beside):
            lacking = [name for name in cells.datasets if (cells.backbone, name, setting) not in top1]
            if lacking:
                raise FgirError(
                    f"There is no published accuracy of {cells.backbone} on {', '.join(lacking)} in {setting}; correct "
                    "diverged of the paper."
                )
        found = ", ".join(
            f"{dataset} {top1[cells.backbone, dataset, cells.setting]:.2f} "
            f"({cells.beside} {top1[cells.backbone, dataset, cells.beside]:.2f})"
            for dataset in cells.datasets
        )
        parts.append(f"{titles[cells.backbone]} on\n  {found}")
    return ";\n  ".join(parts)


def _means(summary: Sequence[Row], subsets: Sequence[tuple[str, ...]]) -> str:
    everything = {row["dataset"] for row in summary}
    heads = [f"mean of {len(everything)} datasets", *(f"mean of {', '.join(subset)}" for subset in subsets)]
    lines = [f"| setting | {' | '.join(heads)} | seeds |", f"|---|{'--:|' * (len(heads) + 1)}"]
    for setting in settings_of(summary):
        cells = [row for row in summary if row["setting"] == setting]
        means = [mean([row["top1"] for row in cells if row["dataset"] in part]) for part in (everything, *subsets)]
        seeds = sorted({row["seeds_ok"] for row in cells if row["seeds_ok"] is not None})
        figures = " | ".join("–" if value is None else f"{value:.2f}" for value in means)
        lines.append(f"| `{setting}` | {figures} | {' or '.join(map(str, seeds))} |")
    return "\n".join(lines)
