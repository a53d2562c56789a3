"""Papers of config/published: their files, and what tables and figures take from them."""

import shutil
from pathlib import Path

import pytest
from summary_cells import cell

from fgir.cli.main import main
from fgir.report.published_page import page
from fgir.results.papers import Paper, accuracies_of, averaged_over, read_paper, subset_of
from fgir.results.parquet import write_rows
from fgir.results.published import read_published
from fgir.study.catalogue import load_backbones, load_datasets
from fgir.utils.errors import FgirError

ROOT = Path(__file__).parents[2]
HEADER = "dataset,backbone,setting,train_size,test_size,top1,seeds,source\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the catalogues, and a paper of one's own about three datasets."""
    config = tmp_path / "config"
    (config / "published").mkdir(parents=True)
    for name in ("datasets.yaml", "backbones.yaml"):
        shutil.copy(ROOT / "config" / name, config)
    lines = [
        f"{dataset},{backbone},{setting},224,224,{top1 + len(backbone)},3,mine\n"
        for dataset, top1 in (("cub", 60), ("cars", 70), ("pets", 80))
        for backbone in ("resnet101", "vit_b16")
        for setting in ("frozen", "finetuned")
    ]
    (config / "published/mine.csv").write_text(HEADER + "".join(lines))
    (config / "published/mine.yaml").write_text("means_over: [cub, pets]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def three_datasets(folder: Path) -> str:
    rows = [
        cell(name, backbone, 1, dataset=dataset)
        for name in ("cal", "frozen")
        for backbone in "ab"
        for dataset in ("cub", "cars", "pets")
    ]
    write_rows("summary", rows, folder / "summary.parquet")
    return str(folder / "summary.parquet")


def test_datasets_and_backbones_of_the_committed_papers_are_in_the_catalogues() -> None:
    datasets = load_datasets(ROOT / "config/datasets.yaml")
    backbones = load_backbones(ROOT / "config/backbones.yaml")

    for file in (ROOT / "config/published").glob("*.csv"):
        paper = read_paper(file)
        assert {*paper.means_over, *(name for cells in paper.diverged for name in cells.datasets)} <= datasets.keys()
        assert {cells.backbone for cells in paper.diverged} <= backbones.keys()


def test_a_table_has_a_mean_over_what_each_paper_averages_over(folder: Path, capsys: pytest.CaptureFixture) -> None:
    (folder / "config/published/other.yaml").write_text("means_over: [cars, pets]\n")
    (folder / "config/published/absent.yaml").write_text("means_over: [cub, dogs]\n")

    main(["matrix", three_datasets(folder), "--setting", "cal"])

    text = capsys.readouterr().out
    means = [line.split()[:2] for line in text.splitlines() if line.startswith("mean ")]
    assert means[:3] == [["mean", "3"], ["mean", "2"], ["mean", "2'"]]
    assert "mean 2: cub, pets; mean 2': cars, pets" in " ".join(text.split())


def test_the_box_plot_is_over_what_a_paper_averages_over_unless_datasets_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = []
    monkeypatch.setattr("fgir.report.figures.boxes.draw_boxes", lambda rows, paths, of, names: over.append(names))
    summary = three_datasets(folder)

    main(["boxes", summary, "--out", "x.png"])
    main(["boxes", summary, "--dataset", "cars", "--out", "x.png"])
    (folder / "config/published/mine.yaml").unlink()
    main(["boxes", summary, "--out", "x.png"])

    assert over == [["cub", "pets"], ["cars"], None]


def test_of_several_papers_the_first_whose_datasets_are_all_there_counts() -> None:
    choices = [("a", "b"), ("b", "c")]

    assert subset_of(["b", "c", "d"], choices) == ["b", "c"]
    assert subset_of(["a"], choices) is None


def test_without_a_folder_of_papers_there_is_nothing_to_average_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert averaged_over() == []


def test_a_fault_of_a_paper_is_one_sentence_that_names_its_key(folder: Path) -> None:
    (folder / "config/published/mine.yaml").write_text("mean_over: [cub]\n")

    with pytest.raises(SystemExit, match=r"mine\.yaml: unknown key mean_over; did you mean \"means_over\"\?"):
        main(["matrix", three_datasets(folder)])


def test_a_study_of_before_is_answered_with_the_file_that_there_is_now(folder: Path) -> None:
    with pytest.raises(FgirError) as error:
        read_published("config/published.csv")

    assert str(error.value) == (
        "config/published.csv (published accuracies) does not exist; name config/published/mine.csv as published_file."
    )


def test_the_verb_takes_the_only_file_and_asks_where_there_are_several(
    folder: Path, capsys: pytest.CaptureFixture
) -> None:
    main(["published"])
    assert "mine: 12 accuracies, 3 datasets x 2 backbones x 2 settings" in capsys.readouterr().out

    shutil.copy(folder / "config/published/mine.csv", folder / "config/published/other.csv")
    with pytest.raises(
        SystemExit, match=r"config/published has mine\.csv, other\.csv; name a paper with --paper, or a"
    ):
        main(["published"])
    for file in (folder / "config/published").glob("*.csv"):
        file.unlink()
    with pytest.raises(FgirError, match="has no CSV file; name a paper"):
        accuracies_of()


def test_of_several_papers_a_name_or_a_part_of_it_chooses_or_else_what_the_default_study_compares_with(
    folder: Path, capsys: pytest.CaptureFixture
) -> None:
    text = (folder / "config/published/mine.csv").read_text()
    (folder / "config/published/other-1906.csv").write_text(text.replace(",mine", ",theirs"))

    main(["published", "--paper", "1906"])
    assert "theirs: 12 accuracies" in (printed := capsys.readouterr().out)
    assert "Next: fgir published --paper 1906 --summary" in printed
    (folder / "config/config.yaml").write_text("published_file: config/published/mine.csv\n")
    main(["published"])
    assert "mine: 12 accuracies" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="name a paper or a CSV file, and not both"):
        main(["published", "--paper", "1906", "--csv", "x.csv"])
    with pytest.raises(SystemExit, match=r"has mine\.csv, other-1906\.csv; name a paper"):
        main(["published", "--paper", "2605"])


def test_a_page_of_one_s_own_paper_is_its_text_filled_in(folder: Path) -> None:
    accuracies = Path("config/published/mine.csv")
    paper = "means_over: [cub, pets]\n" + (
        "diverged:\n  - {backbone: vit_b16, setting: finetuned, beside: frozen, datasets: [cars]}\n"
    )
    accuracies.with_suffix(".yaml").write_text(paper)
    accuracies.with_suffix(".md").write_text("# Mine {{really}}\n\n{means}\n\n{diverged}, over {means_over}\n")

    text = page(read_published(accuracies), accuracies, "mine.png")

    assert text.startswith("# Mine {really}\n\n| setting | mean of 3 datasets | mean of cub, pets | seeds |\n")
    # Means of 60, 70, 80 and of 60, 80, each with 9 and with 7 letters of a backbone.
    assert "| `frozen` | 78.00 | 78.00 | 3 |" in text
    assert text.endswith("on\n  cars 77.00 (frozen 77.00), over cub and pets\n")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("mine.yaml", None, r"mine\.yaml does not exist; describe the paper of config/published/mine\.csv there"),
        ("mine.md", None, r"mine\.md does not exist; write the text of the page there"),
        ("mine.md", "{meens}", r"mine\.md cannot be filled in \('meens'\); braces stand around one of \{sources\}, "),
        ("mine.md", "a { brace", r"mine\.md cannot be filled in"),
        (
            "mine.yaml",
            "diverged: [{backbone: vit_b16, setting: cal, beside: frozen, datasets: [cub]}]",
            "no published accuracy of vit_b16 on cub in cal; correct diverged of the paper",
        ),
        ("mine.yaml", "later: [a]", "later is"),
    ],
)
def test_what_a_page_lacks_is_one_sentence_and_leaves_no_page(
    folder: Path, name: str, content: str | None, sentence: str
) -> None:
    (folder / "config/published/mine.md").write_text("{means}\n")
    (folder / "config/published" / name).unlink()
    if content is not None:
        (folder / "config/published" / name).write_text(content + "\n")

    with pytest.raises(SystemExit, match=sentence):
        main(["published", "--document", "page.md"])

    assert not list(folder.glob("page*"))


def test_every_key_of_a_paper_is_explained() -> None:
    text = (ROOT / "config/README.md").read_text()
    section = text[text.index("## Published accuracies") :].split("\n## ")[0]

    assert all(f"`{key}`" in section for key in Paper.model_fields)
