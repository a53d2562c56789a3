"""The fgir command as a user meets it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from started import run

ROOT = Path(__file__).parents[2]


def fgir(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fgir", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_help_names_every_verb_and_an_everyday_command() -> None:
    text = fgir("--help").stdout

    for verb in ("show", "check", "download", "train", "evaluate", "macs", "timing", "summary"):
        assert re.search(rf"^    {verb} +\w", text, re.MULTILINE)
    assert "snakemake --profile profiles/local all" in text


def test_macs_prints_one_json_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    backbone = ["--backbone", "tf_efficientnet_lite0"]

    done = run(["macs", *backbone, "--setting", "cal", "--size", "224", "--classes", "200"])

    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    row = json.loads(line)
    assert (row["views"], row["status"]) == (8, "ok")
    assert row["macs_image"] == 8 * row["macs_view"]
    # torch's own counter, which knows nothing of fvcore.
    assert abs(row["macs_view"] / row["macs_view_torch"] - 1) < 0.02


def test_an_error_is_one_sentence_without_a_traceback() -> None:
    done = fgir("macs", "--backbone", "tf_efficientnet_lite")

    assert done.returncode == 1
    assert done.stderr.startswith('fgir macs: the catalogue has no backbone "tf_efficientnet_lite"')
    assert 'did you mean "tf_efficientnet_lite0"?' in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_terminal_of_few_signs_and_columns_gets_others_in_their_place() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"}

    done = subprocess.run(
        [sys.executable, "-m", "fgir", "datasets"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )

    assert done.returncode == 0, done.stderr
    assert "CC-BY-NC-SA." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_check_counts_what_a_study_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    done = run(["check", "config/studies/demo.yaml"])

    assert done.returncode == 0, done.stderr
    assert "4 runs, 6 evaluations, 6 cells" in done.stdout
    assert "Next: snakemake" in done.stdout


def test_nothing_heavy_is_imported_before_a_verb_runs() -> None:
    heavy = {"torch", "timm", "pandas", "pyarrow"}
    code = f"import sys, fgir.cli.main, fgir.specs; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_conda_environment_has_the_pinned_versions() -> None:
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().lower().splitlines() if "==" in line
    )
    conda = re.findall(r"^ +- ([a-z-]+)==(\S+)$", (ROOT / "environment.yml").read_text(), re.MULTILINE)

    assert len(conda) > 10
    assert {name: pinned[name] for name, _ in conda} == dict(conda)


def test_the_workflow_asks_for_the_snakemake_that_the_package_asks_for() -> None:
    (asked,) = re.findall(r'"snakemake>=([\d.]+)"', (ROOT / "pyproject.toml").read_text())

    assert f'min_version("{asked}")' in (ROOT / "workflow/Snakefile").read_text()


def test_a_reader_that_has_seen_enough_gets_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "fgir", "datasets"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == ""
