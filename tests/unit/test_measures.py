"""The list of measures: a line in it is a measure in every table."""

import io

import pytest
from rich.console import Console
from summary_cells import cell

from fgir.cli.main import main
from fgir.report.tables.compare import compare
from fgir.report.tables.compare_show import show_comparison
from fgir.report.tables.matrix import matrices
from fgir.report.tables.show import show
from fgir.results.columns import TABLES
from fgir.results.measures import MEASURES, Heading, Measure


@pytest.fixture
def updates(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = Measure("train_steps", "thousand updates", False, 1e3, heading=Heading("thousand\nupdates"))
    monkeypatch.setitem(MEASURES, "updates", measure)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_columns_of_a_measure_are_columns_of_the_summary(measure: Measure) -> None:
    columns = {column.name for column in TABLES["summary"]}

    assert {measure.column, *measure.conditions} <= columns
    assert {measure.deviation, measure.published} - {""} <= columns


@pytest.mark.usefixtures("updates")
def test_a_line_makes_a_measure_a_column_an_order_and_a_table(capsys: pytest.CaptureFixture) -> None:
    rows = [cell(backbone="slow", train_steps=9500), cell(backbone="quick", train_steps=1200)]
    stream = io.StringIO()

    show(rows, sort="updates", file=stream, width=100)
    [matrix] = matrices(rows, value="updates")

    lines = [line.split() for line in stream.getvalue().splitlines() if line.split()[1:2] in (["slow"], ["quick"])]
    assert [(line[1], line[-1]) for line in lines] == [("quick", "1.20"), ("slow", "9.50")]
    assert "thousand" in stream.getvalue()
    assert (matrix.title, matrix.texts[:2]) == ("finetuned, 96 px: thousand updates", [["9.50"], ["1.20"]])
    assert matrix.best[:2] == [[False], [True]]
    with pytest.raises(SystemExit):
        main(["matrix", "--help"])
    assert "updates" in capsys.readouterr().out


@pytest.mark.parametrize(("sort", "first"), [("top1", "b"), ("published", "c")])
def test_the_comparison_is_sorted_by_what_it_compares(sort: str, first: str) -> None:
    published = {"published_seeds": 3, "published_source": "a paper"}
    values = {"a": (60, 61), "b": (70, 62), "c": (65, 90)}
    rows = [
        cell(backbone=name, top1=ours, published_top1=theirs, **published) for name, (ours, theirs) in values.items()
    ]
    stream = io.StringIO()

    show_comparison(compare(rows), Console(file=stream, width=100), sort=sort)

    cells = [line.split() for line in stream.getvalue().splitlines() if line.startswith("elpv")]
    assert cells[0][1] == first


def test_memory_is_a_measure() -> None:
    [matrix] = matrices([cell()], value="memory")

    assert (matrix.title, matrix.texts) == ("finetuned, 96 px: GB of memory at inference", [["0.512"]])
