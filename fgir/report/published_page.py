"""The page of the study's published accuracies: what they are, what to mind, their tables and their box plot."""

from collections.abc import Sequence
from pathlib import Path

from fgir.report.figures.boxes import draw_boxes
from fgir.report.tables.display import Row
from fgir.report.tables.matrix import FOUR, matrices
from fgir.report.tables.matrix_show import markdown
from fgir.results.cell import mean
from fgir.results.published import Published, as_summary, counts, of_source
from fgir.study import SETTINGS
from fgir.utils.files import replacing

_MATRIX, _TABLE_3 = "2605.18700 repository", "2605.18700 Table 3"
# Far below what the frozen backbone reaches, or at chance: (backbone, datasets).
_DIVERGED = (
    ("beitv2_base_patch16_224_in22k", ("cotton", "soygene", "soyglobal", "soylocal")),
    ("convnext_base_in22k", ("soyglobal",)),
)

_PAGE = """\
# Published accuracies

Written by `fgir published --document docs/published.md` from [config/published.csv](../config/published.csv), by the
code that makes the tables and figures of one's own results.

They are top-1 accuracies, in %, of *A Large-Scale Study on the Accuracy vs Cost Trade-offs of Training and Evaluation
Settings in Fine-Grained Image Recognition* (arXiv 2605.18700), at 224 pixels. A study compares itself with them by its
key `published_file`: the summary then has the columns `published_top1`, `published_seeds` and `published_source`, and
`fgir compare` says where the two differ by more than seeds explain.

{sources}

Neither has CALMix, other image sizes or costs.

## What to mind

- **`cal_nc` is of a single seed** (†), `frozen`, `finetuned` and `cal` are means of three; of two, probably, on `dafb`
  and `inat17`. Every `cal_nc` accuracy of a small test set is a whole number of images of one run. The published
  difference of `cal` and `cal_nc` therefore contains the noise of seeds: it is not between evaluations of the same
  weights, as it is here.
- **VGG-19 was trained again** after November 2023. Only its four `cal_nc` accuracies of Table 3 are of the new
  network; where the sources differ, Table 3 stands:
  {vgg}.
  All other accuracies that both have are equal. The tables and means below are of the 612 as they were, with Table 3
  at the end; the summary, `fgir compare` and `fgir matrix` have Table 3's four.
- **Five fine-tuned cells diverged**, or nearly so (one learning rate for a cell, chosen by one seed):
  {diverged}.
  Means over datasets of these two backbones suffer from it.
- **CAL in 2023 was not quite CAL today**: the attention maps were then enlarged bilinearly, and bicubically since May
  2024 (`cal.mask_interpolation`).
- Whether a difference to these values is noise, their deviations would say; none were published. `fgir compare` takes
  the deviation of one's own seeds for both.

## By setting

{means}

![Box plot of the normalised accuracies by setting]({picture})

As in the study, a point is a backbone's mean over {four}, and all points of all settings
are min-max normalised together, x' = (x − min) / (max − min). The study's training times and throughputs are not among
these values. Of one's own results `fgir boxes` draws all three, in this way; `fgir boxes --of cells` draws a point a
cell, each dataset normalised on its own.

{matrices}
## Table 3: `cal_nc`†, sixteen backbones

{table_3}"""


def write_page(rows: Sequence[Published], path: Path) -> None:
    """Write the page, and its figure beside it as PNG and SVG. FgirError where the study's own values are not there."""
    figures = [Path(path).with_suffix(suffix) for suffix in (".png", ".svg")]
    text = page(rows, figures[0].name)
    draw_boxes(as_summary(of_source(rows, _MATRIX)), figures)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(rows: Sequence[Published], picture: str) -> str:
    """Return the text of the page; ``picture`` is the path of its box plot, relative to it."""
    matrix, table_3 = of_source(rows, _MATRIX), of_source(rows, _TABLE_3)
    summary = as_summary(matrix)
    return _PAGE.format(
        sources="\n".join(f"- {line}" for line in counts(rows)),
        vgg=_differences(matrix, table_3),
        diverged=_diverged(summary),
        means=_means(summary),
        four=", ".join(FOUR[:-1]) + f" and {FOUR[-1]}",
        picture=picture,
        matrices="".join(f"## {_heading(table.title)}\n\n{markdown(table)}\n" for table in matrices(summary)),
        table_3="".join(markdown(table) for table in matrices(as_summary(table_3))),
    )


def _heading(title: str) -> str:
    setting, rest = title.split(",", 1)
    return f"`{setting}`{'†' * (setting == 'cal_nc')},{rest}"


def _differences(before: Sequence[Published], after: Sequence[Published]) -> str:
    old = {row.cell: row.top1 for row in before}
    changed = [row for row in after if row.cell in old and row.top1 != old[row.cell]]
    return ", ".join(f"{row.dataset} {row.top1:.2f} ({old[row.cell]:.2f} before)" for row in changed)


def _diverged(summary: Sequence[Row]) -> str:
    top1 = {(row["backbone"], row["dataset"], row["setting"]): row["top1"] for row in summary}
    titles = {row["backbone"]: row["backbone_title"] for row in summary}
    parts = []
    for backbone, datasets in _DIVERGED:
        cells = ", ".join(
            f"{dataset} {top1[backbone, dataset, 'finetuned']:.2f} (frozen {top1[backbone, dataset, 'frozen']:.2f})"
            for dataset in datasets
        )
        parts.append(f"{titles[backbone]} on\n  {cells}")
    return ";\n  ".join(parts)


def _means(summary: Sequence[Row]) -> str:
    datasets = {row["dataset"] for row in summary}
    lines = [f"| setting | mean of {len(datasets)} datasets | mean of {', '.join(FOUR)} | seeds |", "|---|--:|--:|--:|"]
    for setting in SETTINGS:
        cells = [row for row in summary if row["setting"] == setting]
        if cells:
            means = [mean([row["top1"] for row in cells if row["dataset"] in part]) for part in (datasets, FOUR)]
            seeds = sorted({row["seeds_ok"] for row in cells})
            figures = " | ".join(f"{value:.2f}" for value in means)
            lines.append(f"| `{setting}` | {figures} | {' or '.join(map(str, seeds))} |")
    return "\n".join(lines)
