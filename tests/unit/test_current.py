"""Which table of a study is shown: the full one, what a failed run left, or what is done so far."""

import os
from pathlib import Path

import pytest
import yaml
from summary_cells import cell

from fgir.address import METRICS, PARTIAL_SUMMARY, RUNNING, SUMMARY, fill
from fgir.errors import FgirError
from fgir.failures import note_failure
from fgir.jobs import Specs
from fgir.schema import write_rows
from fgir.study import Cell, Study, load_study
from fgir.tables.current import NOT_YET, current, mark_running, of_study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    catalogues = {
        "datasets": {name: {"source": "typefaces", "classes": 3} for name in ("first", "second")},
        "backbones": {"net": {"timm": "test_vit.r160_in1k", "weights": {"source": "none"}}},
    }
    for kind, content in catalogues.items():
        (tmp_path / f"{kind}.yaml").write_text(yaml.safe_dump(content))
    files = {f"{kind}_file": str(tmp_path / f"{kind}.yaml") for kind in catalogues}
    content = {"name": "two", "datasets": ["first", "second"], "backbones": ["net"], "settings": ["frozen"]}
    content |= {"train_sizes": [32], "seeds": [1], "results": str(tmp_path / "results")} | files
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    return load_study(tmp_path / "study.yaml")


def write(path: Path, top1: float, age: int) -> None:
    write_rows("summary", [cell(top1=top1)], path)
    os.utime(path, ns=(10**18 - age, 10**18 - age))


def test_the_newer_of_full_and_partial_table_is_shown(tmp_path: Path) -> None:
    write(tmp_path / SUMMARY, 50.0, age=1)
    write(tmp_path / PARTIAL_SUMMARY, 40.0, age=2)

    full = current(tmp_path / SUMMARY)
    write(tmp_path / PARTIAL_SUMMARY, 40.0, age=0)
    partial = current(tmp_path / SUMMARY)

    assert (full.rows[0]["top1"], full.note) == (50.0, None)
    assert partial.rows[0]["top1"] == 40.0
    assert partial.note == f"{tmp_path / PARTIAL_SUMMARY}: what a failed run left, 1 of 1 cells."


def test_while_a_study_runs_what_is_done_is_shown_and_what_failed_is_told(study: Study) -> None:
    results = Path(study.results)
    write(results / SUMMARY, 50.0, age=1)
    mark_running(Specs(study).summary(), None)
    identity = Cell("first", "net", "frozen", 32, 32)
    row = identity._asdict() | {"seed": 1, "top1": 61.0, "status": "ok"}
    write_rows("metrics", [row], results / fill(METRICS, identity, seed=1))
    (results / "job.log").write_text("fgir manifest: b.png is empty; replace it.\n")
    note_failure(results, "manifest", [str(results / "job.log")], [f"{results}/data/second/manifest.parquet"])

    shown = current(results / SUMMARY)

    assert [row["status"] for row in shown.rows] == [NOT_YET, "missing"]
    assert shown.rows[0]["top1"] == 61.0
    assert shown.rows[1]["error"].startswith("manifest: b.png is empty; replace it; no evaluation of seed 1")
    assert shown.note == "What is done so far: 0 of 2 cells."


def test_a_table_newer_than_the_start_of_the_run_is_shown(study: Study) -> None:
    results = Path(study.results)
    mark_running(Specs(study).summary(), None)
    os.utime(results / RUNNING, ns=(10**18 - 9, 10**18 - 9))
    write(results / SUMMARY, 50.0, age=1)

    assert current(results / SUMMARY).rows[0]["top1"] == 50.0


def test_a_study_is_shown_without_any_table(study: Study, tmp_path: Path) -> None:
    shown = of_study(tmp_path / "study.yaml")

    assert [(row["dataset"], row["status"]) for row in shown.rows] == [("first", NOT_YET), ("second", NOT_YET)]


def test_without_any_table_the_commands_that_make_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"does not exist \(yet\).* fgir show --study FILE"):
        current(tmp_path / SUMMARY)


def test_a_mark_of_a_run_that_is_damaged_is_named(tmp_path: Path) -> None:
    (tmp_path / RUNNING).write_text("{")

    with pytest.raises(FgirError, match=r"\.running\.json is damaged; delete it"):
        current(tmp_path / SUMMARY)
