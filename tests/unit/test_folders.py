"""Which folders a study may have for its results and archives."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from fgir.study import study_of
from fgir.study.folders import OWN
from fgir.utils.errors import FgirError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    here = tmp_path / "here"
    (here / "mine").mkdir(parents=True)
    (tmp_path / "link").symlink_to(here)
    monkeypatch.chdir(here)
    (here / "mine/datasets.yaml").write_text(
        yaml.safe_dump(
            {
                "letters": {"source": "typefaces"},
                "tree": {"source": "folder", "path": "images", "test_fraction": 0.2},
                "parts": {"source": "folder", "path": "images"},
                "lists": {"source": "folder", "path": "images", "train_csv": "a.csv", "test_fraction": 0.2},
            }
        )
    )
    (here / "mine/backbones.yaml").write_text("net: {timm: a.b, weights: {source: none}}\n")
    base = {"name": "a", "datasets": ["letters"], "backbones": ["net"]}
    base |= {f"{kind}_file": f"mine/{kind}.yaml" for kind in ("datasets", "backbones")}

    def faults(**keys: Any) -> str:
        try:
            study_of(base | keys, "here")
        except FgirError as error:
            return str(error)
        return ""

    return faults


@pytest.mark.parametrize("results", ["/", "..", ".", "../link"])
def test_results_are_not_the_working_folder_or_one_that_holds_it(faults, results: str) -> None:
    said = "which holds this working folder; name a folder of its own, as in results: results/mine."

    assert faults(results=results) == f"here: results is {results}, {said}"


@pytest.mark.parametrize("key", ["results", "archives"])
@pytest.mark.parametrize("folder", ["fgir", "config/studies", "work", "logs/a", str(ROOT / "tests"), ".snakemake"])
def test_neither_results_nor_archives_are_in_a_folder_of_the_suites_own(faults, key: str, folder: str) -> None:
    assert faults(**{key: folder}).startswith(f"here: {key} is {folder}, in ")


def test_every_folder_of_the_checkout_is_its_own_but_results() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("the checkout is no git repository")

    folders = {path.split("/")[0] for path in listed.stdout.splitlines() if "/" in path}

    assert folders - set(OWN) == {"results"}


def test_results_are_not_the_folder_of_a_catalogue(faults) -> None:
    assert faults(results="mine").startswith("here: results is mine, the folder of mine/datasets.yaml; name a folder")
    assert faults(results="mine/results") == ""


@pytest.mark.parametrize(
    ("results", "archives", "fault"),
    [
        ("a", "a", "the same folder; name two."),
        ("a", "a/data", "where the study writes its results; name another for archives."),
        ("a", "a/archives", None),
        ("data/letters", "data", "where an archive is unpacked; name another for results."),
        ("data/results", "data", None),
        ("results", "..", None),
    ],
)
def test_results_and_archives_do_not_write_over_each_other(
    faults, results: str, archives: str, fault: str | None
) -> None:
    said = f"here: results is {results} and archives {archives}, {fault}" if fault else ""

    assert faults(results=results, archives=archives) == said


@pytest.mark.parametrize("key", ["results", "archives"])
@pytest.mark.parametrize(
    ("dataset", "folder", "refused"),
    [
        ("tree", "images", True),
        ("tree", "images/results", True),
        ("parts", "images", True),
        ("parts", "images/Train/results", True),
        ("parts", "images/results", False),
        ("lists", "images/results", False),
        ("letters", "images", False),
    ],
)
def test_what_would_be_read_as_images_of_a_dataset_is_not_written_among_them(
    faults, key: str, dataset: str, folder: str, refused: bool
) -> None:
    said = f'here: {key} is {folder}, in images, the images of dataset "{dataset}"; name a folder outside.'

    assert faults(datasets=[dataset], **{key: folder}) == (said if refused else "")
