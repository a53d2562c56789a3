"""Read what a published study says of itself beside its accuracies: a YAML file each in config/published/."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import Field

from fgir.study.strict import Strict, read_yaml, validated
from fgir.utils.errors import FgirError

PAPERS = Path("config/published")
# What ``fgir fixres`` sets again.
FIXRES = PAPERS / "arxiv-1906.06423.csv"
# The study that is run by default.
STUDY = Path("config/config.yaml")


class Diverged(Strict):
    """Name published cells of a backbone whose training diverged, and the setting to show beside them."""

    backbone: str = Field(min_length=1)
    setting: str = Field(min_length=1)
    beside: str = Field(min_length=1, description="setting that did not diverge")
    datasets: list[str] = Field(min_length=1)


class Paper(Strict):
    """Describe a published study; its accuracies are the CSV file of the same name."""

    means_over: list[str] = Field(default=[], description="datasets that it averages over beside all of them")
    main: str | None = Field(
        default=None, min_length=1, description="text in the source of its main accuracies; null: all"
    )
    later: str | None = Field(default=None, min_length=1, description="text in the source of those that came later")
    diverged: list[Diverged] = Field(default=[])
    tables: dict[str, str] = Field(default={}, description="titles of its tables, by the end of their source")
    figures: dict[str, str] = Field(default={}, description="its figures, each with the table that it draws")


def read_paper(accuracies: Path) -> Paper:
    """Read the paper of a CSV file of accuracies, the YAML file beside it; FgirError where there is none or a fault."""
    path = accuracies.with_suffix(".yaml")
    if not path.exists():
        raise FgirError(f"{path} does not exist; describe the paper of {accuracies} there, as config/README.md says.")
    paper: Paper = validated(Paper, read_yaml(path), path)
    return paper


def name_of(source: str) -> str:
    """Return the name of a table or figure in commands and paths: ``table5``, ``section3.3``."""
    return source.replace(" ", "").lower()


def tables_of(paper: Paper) -> dict[str, str]:
    """Return the end of the source of each table by its name, and that which a figure draws by the figure's."""
    figures = {name_of(figure): table for figure, table in paper.figures.items()}
    return {name_of(table): table for table in paper.tables} | figures


def averaged_over() -> list[tuple[str, ...]]:
    """Return the datasets that each paper of PAPERS averages over, each choice once; FgirError at a fault in one."""
    found = (tuple(read_paper(path).means_over) for path in sorted(PAPERS.glob("*.yaml")))
    return [datasets for datasets in dict.fromkeys(found) if datasets]


def subset_of(datasets: Iterable[str], choices: Sequence[tuple[str, ...]]) -> list[str] | None:
    """Return the first choice of datasets all of which are among these; None where there is none."""
    there = set(datasets)
    return next((list(choice) for choice in choices if there.issuperset(choice)), None)


def accuracies_of(paper: str | None = None, study: Path = STUDY) -> Path:
    """Return the CSV file of a paper of PAPERS, by its name or a part of it.

    Without a name: the only one that there is, or of several the one that ``study`` compares with. FgirError where
    there is none, or more than one to choose from.
    """
    files = sorted(PAPERS.glob("*.csv"))
    named = [file for file in files if paper in (None, file.stem)]
    named = named or [file for file in files if paper and paper in file.stem]
    if len(named) == 1:
        return named[0]
    own = _compared_with(study)
    if paper is None and own in files:
        return own
    found = f"has {', '.join(path.name for path in files)}" if files else "has no CSV file"
    raise FgirError(f"{PAPERS} {found}; name a paper with --paper, or a file of published accuracies with --csv.")


def _compared_with(study: Path) -> Path | None:
    content = read_yaml(study) if study.exists() else None
    file = content.get("published_file") if isinstance(content, dict) else None
    return Path(file) if isinstance(file, str) else None
