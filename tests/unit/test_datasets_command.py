"""`fgir datasets`: what is here, and what a look at every image finds."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from small_datasets import files_in, train_and_test

from fgir.cli.main import main
from fgir.results.parquet import read_rows


def catalogue(folder: Path, **keys: object) -> list[str]:
    """Options that name a catalogue of one folder of images, and folders for all else."""
    train_and_test(folder / "mine")
    entry = {"source": "folder", "path": str(folder / "mine"), "title": "My animals", **keys}
    fish = {
        "source": "archive",
        "reader": "ncfm",
        "by_hand": "Ask the fishermen.",
        "files": [
            {"file": "f.zip", "gb": 2, "checksum": "md5:0a1b"},
            {"file": "list.txt", "urls": ["https://one.example/list.txt", "https://two.example/list.txt"]},
        ],
        "train_val": 50,
        "val": 10,
    }
    (folder / "datasets.yaml").write_text(yaml.safe_dump({"mine": entry, "fish": fish}))
    options = ["--datasets-file", folder / "datasets.yaml", "--archives", folder / "data"]
    return [*map(str, options), "--results", str(folder / "results")]


def test_the_list_says_what_is_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["datasets", *catalogue(tmp_path, classes=2)])

    lines = capsys.readouterr().out.splitlines()
    assert any("mine" in line and "your folder" in line and "yes" in line for line in lines)
    assert any("fish" in line and "by hand" in line and "no" in line for line in lines)
    assert max(map(len, lines)) <= 100


def test_one_is_shown_with_what_to_do_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["datasets", "show", "fish", *catalogue(tmp_path)])

    shown = capsys.readouterr().out
    assert "Ask the fishermen." in shown
    assert f"{tmp_path / 'data' / 'fish' / 'f.zip'}, 2 GB: not here" in shown
    assert "md5:0a1b" in shown
    assert shown.index("https://one.example/list.txt") < shown.index("https://two.example/list.txt")
    assert "train_val: 50, of which 10 val" in shown


def test_mirrors_are_shown_as_third_party_copies_in_their_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = "0123456789" * 4
    mirrors = [{"repo": "some/one", "revision": commit}, {"repo": "some/other"}]
    birds = {"source": "archive", "reader": "cub", "files": [{"file": "b.zip"}], "mirrors": mirrors}
    (tmp_path / "birds.yaml").write_text(yaml.safe_dump({"birds": birds}))
    options = ["--datasets-file", str(tmp_path / "birds.yaml"), "--archives", str(tmp_path)]

    main(["datasets", "show", "birds", *options])
    main(["datasets", *options])

    shown = capsys.readouterr().out
    assert "had:       mirror; here: no" in shown
    assert f"mirror:    https://huggingface.co/datasets/some/one/tree/{commit}\n" in shown
    assert "mirror:    https://huggingface.co/datasets/some/other, its newest commit\n" in shown
    assert "third-party copies, tried after the official source" in shown
    assert any(line.split()[:1] == ["birds"] and "mirror" in line for line in shown.splitlines())


def test_a_name_alone_is_shown_and_another_word_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = catalogue(tmp_path)

    main(["datasets", "fish", *options])

    assert "Ask the fishermen." in capsys.readouterr().out
    with pytest.raises(SystemExit, match='there is no "chek"; say list, show NAME or check NAME'):
        main(["datasets", "chek", "fish", *options])


def test_a_narrow_terminal_gets_whole_numbers_without_titles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")

    main(["datasets"])

    shown = capsys.readouterr().out
    assert "1,281,167" in shown
    assert "iNaturalist 2017" not in shown


def test_a_folder_is_shown_with_what_is_found_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["datasets", "show", "mine", *catalogue(tmp_path)])

    shown = capsys.readouterr().out
    assert f"folder:    {tmp_path / 'mine'}\n" in shown
    assert "found:     2 classes; images: 6 test, 10 train_val" in shown


def test_a_whole_dataset_has_no_faults_and_its_statistics_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["datasets", "check", "mine", *catalogue(tmp_path, classes=2, train_val=10, test=6)])

    assert "mine: 16 images of 2 classes, 0 faults" in capsys.readouterr().out
    rows = read_rows("statistics", tmp_path / "results/data/mine/statistics.parquet")
    assert [(row["class_name"], row["part"], row["images"]) for row in rows] == [
        ("cat", "test", 3),
        ("cat", "train_val", 5),
        ("dog", "test", 3),
        ("dog", "train_val", 5),
    ]
    assert {(row["width_median"], row["height_max"]) for row in rows} == {(12.0, 10)}
    with Image.open(tmp_path / "results/data/mine/statistics.png") as figure:
        assert figure.width > 500


def test_every_fault_is_told_and_the_exit_code_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = catalogue(tmp_path, classes=2, train_val=11, test=6)
    broken, twin = tmp_path / "mine/train/cat/0.png", tmp_path / "mine/test/cat/1.png"
    broken.write_bytes(broken.read_bytes()[:40])
    twin.write_bytes((tmp_path / "mine/train/dog/1.png").read_bytes())

    with pytest.raises(SystemExit) as exit_code:
        main(["datasets", "check", "mine", *options])

    printed = capsys.readouterr().out
    assert exit_code.value.code == 1
    assert "found 10 train_val images" in printed
    assert "0.png is not a whole image" in printed
    # The name of a file is spelled as it is, at the beginning of a line too.
    assert "\ntest/cat/1.png of class cat is train/dog/1.png of class dog." in printed
    assert "mine: 16 images of 2 classes, 3 faults" in printed
    assert f"All of it: {tmp_path}/results/data/mine/statistics.faults.csv" in printed


def test_leaks_are_faults_unless_the_catalogue_lets_them_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = catalogue(tmp_path)
    (tmp_path / "mine/test/cat/1.png").write_bytes((tmp_path / "mine/train/cat/1.png").read_bytes())

    with pytest.raises(SystemExit) as exit_code:
        main(["datasets", "check", "mine", *options])

    assert exit_code.value.code == 1
    assert "16 images of 2 classes, 1 fault\n" in capsys.readouterr().out
    main(["datasets", "check", "mine", *catalogue(tmp_path, leaks="report")])
    assert "16 images of 2 classes, 0 faults\n" in capsys.readouterr().out


def test_the_statistics_go_to_the_results_of_the_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue(tmp_path)
    study = {
        "name": "s",
        "datasets": ["mine"],
        "backbones": ["resnet50.a1_in1k"],
        "results": str(tmp_path / "mine_too"),
    }
    study |= {"datasets_file": str(tmp_path / "datasets.yaml"), "archives": str(tmp_path / "data")}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))

    main(["datasets", "check", "mine", "--study", str(tmp_path / "study.yaml")])

    assert (tmp_path / "mine_too/data/mine/statistics.parquet").exists()
    assert "mine_too" in capsys.readouterr().out


def test_what_is_passed_over_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = catalogue(tmp_path)
    (tmp_path / "mine/train/cat/Thumbs.db").write_text("")

    main(["datasets", "check", "mine", *options])
    main(["datasets", "show", "mine", *options])

    printed = capsys.readouterr().out
    assert printed.count("Passed over: 1 hidden file or folder, e.g. train/cat/Thumbs.db.") == 2


def test_what_is_not_here_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="fgir datasets show fish says how"):
        main(["datasets", "check", "fish", *catalogue(tmp_path)])

    assert "data" not in files_in(tmp_path)


def test_a_wrong_name_is_met_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match='no dataset "fisch"; did you mean "fish"'):
        main(["datasets", "show", "fisch", *catalogue(tmp_path)])


def test_a_dataset_without_one_readable_image_has_its_faults_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = catalogue(tmp_path)
    for path in (tmp_path / "mine").rglob("*.png"):
        path.write_bytes(b"")

    with pytest.raises(SystemExit) as left:
        main(["datasets", "check", "mine", *options])

    printed = capsys.readouterr().out
    assert left.value.code == 1
    assert "mine: 16 images of 2 classes, 16 faults" in printed
    assert "No image can be read, so there is no figure." in printed
    assert (tmp_path / "results/data/mine/statistics.faults.csv").exists()


def test_the_figure_repeats_no_warning_of_the_images(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    options = catalogue(tmp_path)
    dark = np.random.default_rng(0).integers(0, 4096, (10, 10)).astype(np.uint16)
    Image.fromarray(dark).save(tmp_path / "mine/train/cat/dark.png")

    main(["datasets", "check", "mine", *options])

    assert not [one for one in recwarn if "Dark" in str(one.message)]
