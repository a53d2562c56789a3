"""Which table of a study is shown: the full one, what a failed run left, or what is done so far."""

import os
from pathlib import Path

import pyarrow.parquet
import pytest
import yaml
from summary_cells import cell

from fgir.cli.main import main
from fgir.report.current import NOT_YET, current, mark_running, of_study
from fgir.results.failures import note_failure
from fgir.results.parquet import write_rows
from fgir.study import Cell, Study, load_study
from fgir.study.address import METRICS, PARTIAL_SUMMARY, RUNNING, SUMMARY, fill
from fgir.utils.errors import FgirError
from fgir.workflow.specs import Specs


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


def write_metrics(study: Study, dataset: str, **more: object) -> Path:
    identity = Cell(dataset, "net", "frozen", 32, 32)
    path = Path(study.results) / fill(METRICS, identity, seed=1)
    write_rows("metrics", [identity._asdict() | {"seed": 1, "top1": 61.0, "status": "ok"}], path)
    if more:
        table = pyarrow.parquet.read_table(path)
        for name, value in more.items():
            table = table.append_column(name, [[value]])
        pyarrow.parquet.write_table(table, path)
    return path


def test_a_file_of_another_version_is_named_with_its_command_and_the_others_are_shown(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    file, old = str(tmp_path / "study.yaml"), write_metrics(study, "first", of_another_version=1)
    write_metrics(study, "second")

    main(["show", "--study", file])

    shown, lines = of_study(file), capsys.readouterr().out.splitlines()
    assert [row["top1"] for row in shown.rows] == [None, 61.0]
    assert any("61.0" in line for line in lines)
    assert shown.note is not None
    assert shown.note.endswith(
        "Left out: 1 file that cannot be read, damaged or made by another version of the suite.\nTo make anew:\n"
        f"  snakemake --profile profiles/local --configfile {file} --force \\\n    {old}"
    )
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80


def test_of_many_files_of_another_version_the_first_are_named_with_the_rules_that_make_them_anew(
    study: Study, tmp_path: Path
) -> None:
    changed = yaml.safe_load((tmp_path / "study.yaml").read_text()) | {"seeds": [1, 2, 3, 4, 5, 6]}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(changed))
    for seed in changed["seeds"]:
        path = Path(study.results) / fill(METRICS, Cell("first", "net", "frozen", 32, 32), seed=seed)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no Parquet")

    note = of_study(tmp_path / "study.yaml").note

    assert note is not None
    assert note.count("metrics.parquet") == 5
    assert "and 1 more" in note
    assert note.endswith("--forcerun evaluate")


def test_a_folder_stands_for_its_summary_and_a_study_leads_to_the_option_for_it(tmp_path: Path) -> None:
    write(tmp_path / SUMMARY, 50.0, age=1)

    assert current(tmp_path).rows[0]["top1"] == 50.0
    with pytest.raises(FgirError, match=r"write fgir show --study 'my study\.yaml'"):
        current(Path("my study.yaml"))


def test_more_than_a_verb_takes_is_named_with_the_help_of_that_verb() -> None:
    with pytest.raises(SystemExit, match=r"^fgir plan: it does not take 'b c\.yaml'; see fgir plan --help"):
        main(["plan", "a.yaml", "b c.yaml"])


def test_a_profile_that_is_named_and_not_there_is_an_error_of_fgir_jobs(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^fgir jobs: .*nowhere/config\.yaml does not exist; name the folder of a"):
        main(["jobs", "--profile", str(tmp_path / "nowhere")])


def test_without_any_table_the_commands_that_make_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"does not exist \(yet\).* fgir show --study FILE"):
        current(tmp_path / SUMMARY)


@pytest.mark.parametrize("content", [b"{", b'{"spec": 5, "published": null}', b"\xff"])
def test_a_mark_of_a_run_that_is_damaged_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RUNNING).write_bytes(content)

    with pytest.raises(FgirError, match=r"\.running\.json is damaged; delete it"):
        current(tmp_path / SUMMARY)
