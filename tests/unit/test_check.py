"""What fgir check, and Snakemake before its first job, refuse of a study."""

import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from fgir.cli.main import main
from fgir.study import load_study
from fgir.utils.errors import FgirError
from fgir.workflow.check import faults_of
from fgir.workflow.targets import narrowed

BASE = {
    "name": "mine",
    "datasets": ["letters"],
    "backbones": ["net"],
    "settings": ["frozen"],
    "train_sizes": [64],
    "training": {"batch_size": 4},
    "tuning": {"learning_rates": {"frozen": [0.1], "calmix": [0.1, 0.01]}},
}
DATASETS: dict[str, Any] = {"letters": {"source": "typefaces", "classes": 3, "train_val_per_class": 6}}
BACKBONES: dict[str, Any] = {"net": {"timm": "test_efficientnet.r160_in1k", "weights": {"source": "none"}}}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)

    def write(
        more_datasets: dict[str, Any] | None = None, more_backbones: dict[str, Any] | None = None, **keys: Any
    ) -> Path:
        catalogues = {"datasets": DATASETS | (more_datasets or {}), "backbones": BACKBONES | (more_backbones or {})}
        for kind, content in catalogues.items():
            (tmp_path / f"{kind}.yaml").write_text(yaml.safe_dump(content))
        files = {f"{kind}_file": f"{kind}.yaml" for kind in catalogues}
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(BASE | files | keys))
        return tmp_path / "study.yaml"

    return write


def pictures(folder: Path, train: int, test: int = 2) -> dict[str, str]:
    """Write so many different images of each of two classes, and return the folder's entry of the catalogue."""
    draw = np.random.default_rng(0)
    for part, count in (("train", train), ("test", test)):
        for name in ("ash", "oak"):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                image = Image.fromarray(draw.integers(0, 256, (20, 20, 3), dtype=np.uint8))
                image.save(folder / part / name / f"{number}.png")
    return {"source": "folder", "path": str(folder)}


def test_a_study_that_can_work_has_no_faults(write) -> None:
    assert faults_of(load_study(write())) == []


def test_an_adaptation_that_a_backbone_or_a_dataset_cannot_have_is_refused(write, tmp_path: Path) -> None:
    entries = {"codes": {"part": "classifier_bn_statistics", "batch_size": 8}, "paper": {"part": "classifier"}}
    (tmp_path / "adaptations.yaml").write_text(yaml.safe_dump(entries))
    backbones = {"vit": {"timm": "test_vit.r160_in1k", "weights": {"source": "none"}}}
    asked = {"adaptations": ["none", *entries], "adaptations_file": "adaptations.yaml"}

    faults = faults_of(load_study(write(more_backbones=backbones, backbones=["net", "vit"], **asked)))

    assert faults == [
        'Dataset "letters" has 18 images to train with, fewer than the 512 of a batch of adaptation "paper"; in '
        "adaptations.yaml name one with a smaller batch_size, and a smaller learning_rate.",
        'Backbone "vit": the last norm of test_vit.r160_in1k (norm) is no batch norm and has no statistics; take the '
        "part classifier_bn, which trains its scale and shift.",
    ]


def test_an_adaptation_of_a_wrong_name_is_one_sentence_with_the_nearest(write, tmp_path: Path) -> None:
    (tmp_path / "adaptations.yaml").write_text("last: {part: classifier}")

    with pytest.raises(FgirError, match=r'^adaptations\.yaml has no adaptation "lst"; did you mean "last"\?$'):
        load_study(write(adaptations=["lst"], adaptations_file="adaptations.yaml"))


@pytest.mark.parametrize(("warmup_steps", "never"), [(8, True), (7, False)])
def test_a_warm_up_as_long_as_the_training_is_remarked(
    write, capsys: pytest.CaptureFixture[str], warmup_steps: int, never: bool
) -> None:
    # 18 images in batches of 4, the last one left out: 4 batches an epoch, 2 at a time.
    training = {"batch_size": 4, "epochs": 4, "accumulation": 2, "warmup_steps": warmup_steps}

    main(["check", str(write(training=training))])

    said = "letters: all 8 updates of a training (frozen) are warm-up, and its learning rate is never reached"
    assert (said in capsys.readouterr().out) == never


def test_all_that_is_wrong_is_listed_at_once(write, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    backbones = {
        "lost": BACKBONES["net"] | {"weights": {"source": "file", "path": "lost.pth"}},
        "levit": {"timm": "levit_128s.fb_dist_in1k"},
        "none": {"timm": "resnet18.tv_in3k"},
    }
    datasets = {"trees": {"source": "folder", "path": "nowhere"}}
    study = load_study(
        write(
            datasets,
            backbones,
            datasets=["trees", "letters"],
            backbones=["net", "lost", "levit", "none"],
            results="file/results",
            train_sizes=[128],
            training={"batch_size": 40},
            published_file="nothing.csv",
        )
    )

    faults = faults_of(study)

    for number, start in enumerate(
        [
            f"results: {tmp_path}/file/results cannot be a folder: {tmp_path}/file is a file",
            'lost.pth, the weights of backbone "lost", does not exist; correct weights.path in backbones.yaml',
            "nothing.csv (published accuracies) does not exist",
            "The folder nowhere does not exist",
            'Dataset "letters" has 18 images to train with, fewer than the 40 of a batch of frozen; lower training',
            'Backbone "levit": levit_128s.fb_dist_in1k with pretrained weights does not admit images of 128 px; take',
            'Backbone "none": timm has no model "resnet18.tv_in3k"',
        ]
    ):
        assert faults[number].startswith(start)
    assert len(faults) == 7


def test_a_size_that_is_not_admitted_has_one_advice_that_all_settings_can_take(write) -> None:
    resnet = {"timm": "test_resnet.r160_in1k", "weights": {"source": "none"}}
    study = load_study(
        write({}, {"resnet": resnet}, backbones=["resnet"], settings=["frozen", "calmix"], train_sizes=[32])
    )

    (fault,) = faults_of(study)

    assert fault.startswith('Backbone "resnet": test_resnet.r160_in1k does not admit images of 32 px: its feature map')
    assert fault.endswith("take 64.")


def test_test_sizes_are_looked_at_though_the_train_size_is_wrong(write) -> None:
    vit = {"timm": "test_vit.r160_in1k", "weights": {"source": "none"}}
    study = load_study(write({}, {"vit": vit}, backbones=["vit"], train_sizes=[56], test_sizes=[33, 64, 97]))

    faults = faults_of(study)

    assert [fault.partition("images of ")[2].partition(" px")[0] for fault in faults] == ["56", "33", "97"]


@pytest.mark.parametrize(
    ("train", "batch", "regime", "limit", "fits"),
    [
        (4, 8, "frozen", None, True),
        (4, 9, "frozen", None, False),
        (5, 6, "frozen", 3, True),
        (5, 7, "frozen", 3, False),
        # A search trains on int(0.8 x 4) = 3 images of each class, and CALMix takes batch_size / 2 of them.
        (4, 12, "calmix", None, True),
        (4, 14, "calmix", None, False),
    ],
)
def test_a_batch_is_compared_with_the_images_that_the_split_will_leave(
    write, tmp_path: Path, train: int, batch: int, regime: str, limit: int | None, fits: bool
) -> None:
    entry = pictures(tmp_path / "pictures", train)
    keys = {"datasets": ["trees"], "settings": [regime], "training": {"batch_size": batch}}
    study = load_study(write({"trees": entry}, **keys, data={"limit_per_class": limit}))

    faults = faults_of(study)

    assert [fault.split(" has ")[0] for fault in faults] == [] if fits else ['Dataset "trees"']


def test_a_size_is_asked_of_each_pair_of_train_and_test(write) -> None:
    """ViTs of timm resize their position tables when pretrained weights are read, not those of a run."""
    backbones = {"vit": {"timm": "test_vit.r160_in1k"}}

    same = faults_of(load_study(write({}, backbones, backbones=["vit"], train_sizes=[64, 96])))
    levit = {"levit": {"timm": "levit_128s.fb_dist_in1k", "weights": {"source": "none"}}}
    other = faults_of(load_study(write({}, levit, backbones=["levit"], train_sizes=[224], test_sizes=[224, 256])))

    assert same == []
    assert len(other) == 1
    assert other[0].startswith('Backbone "levit": ')


@pytest.mark.parametrize(
    ("target", "datasets", "backbones", "sizes"),
    [
        ("results/cells/a/x/cal_nc/64-96.parquet", ["a"], ["x"], [(64, 96)]),
        ("results/data/b/split.parquet", ["b"], [], [(32, 32)]),
        ("results/cost/y/cal/48/classes3/macs.parquet", [], ["y"], [(48, 48)]),
        ("results/cost/y/cal/48/b/end_to_end.parquet", ["b"], ["y"], [(48, 48)]),
        ("results/figures/a.png", ["a", "b"], ["x", "y"], [(32, 32)]),
        ("all", ["a", "b"], ["x", "y"], [(32, 32)]),
    ],
)
def test_only_what_the_targets_stand_on_is_checked(
    write, target: str, datasets: list[str], backbones: list[str], sizes: list[tuple[int, int]]
) -> None:
    entries = {name: DATASETS["letters"] for name in "ab"}, {name: BACKBONES["net"] for name in "xy"}
    keys = {"datasets": ["a", "b"], "backbones": ["x", "y"], "settings": ["cal", "cal_nc"], "train_sizes": [32]}
    tuning = {"learning_rates": {"cal": [0.1]}}

    part = narrowed(load_study(write(*entries, **keys, tuning=tuning)), [target])

    assert (part.datasets, part.backbones, part.sizes()) == (datasets, backbones, sizes)
    assert list(part.dataset_entries) == datasets
    assert list(part.backbone_entries) == backbones


def test_what_the_weights_own_classifier_cannot_name_is_refused(write, tmp_path: Path) -> None:
    backbones = {
        "other": {"timm": "vit_small_patch16_224.dino", "weights": {"source": "timm"}},
        "own": {"timm": "test_resnet.r160_in1k", "weights": {"source": "timm"}},
    }
    leaves = pictures(tmp_path / "leaves", 4)
    names = {"datasets": ["letters", "leaves"], "backbones": ["net", "other", "own"], "settings": ["pretrained"]}

    faults = faults_of(load_study(write({"leaves": leaves}, backbones, **names, train_sizes=[160])))

    assert [fault.partition(":")[0].partition(" has ")[0] for fault in faults] == [
        'Dataset "letters"',
        'Dataset "leaves"',
        'Backbone "net"',
        'Backbone "other"',
    ]
    assert "the class ash has no name of an ImageNet synset" in faults[1]
    assert "vit_small_patch16_224.dino have no classifier" in faults[3]


def test_a_folder_of_synsets_can_be_named_by_pretrained_weights(write, tmp_path: Path) -> None:
    leaves = pictures(tmp_path / "leaves", 4)
    for part in ("train", "test"):
        for name, synset in (("ash", "n02123045"), ("oak", "n07920052")):
            (tmp_path / "leaves" / part / name).rename(tmp_path / "leaves" / part / synset)
    own = {"own": {"timm": "test_resnet.r160_in1k", "weights": {"source": "timm"}}}
    names = {"datasets": ["leaves"], "backbones": ["own"], "settings": ["pretrained"], "train_sizes": [160]}

    assert faults_of(load_study(write({"leaves": leaves}, own, **names))) == []


def test_check_meets_a_misspelt_target_with_the_nearest_name(write) -> None:
    target = "results/cells/lettres/net/frozen/64-64.parquet"

    with pytest.raises(SystemExit, match=r'has no dataset "lettres"; did you mean "letters"'):
        main(["check", str(write()), "--targets", target])


def test_check_lists_faults_says_what_it_did_not_look_at_and_fails(write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(training={"batch_size": 40})

    with pytest.raises(SystemExit, match=r"study\.yaml has 1 fault, listed above\."):
        main(["check", str(path)])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('Dataset "letters" has 18 images')
    assert lines[1] == "Not looked at: the images themselves, which fgir check --images opens."


def test_check_of_images_finds_what_only_they_can_tell(
    write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = pictures(tmp_path / "pictures", 4)
    (tmp_path / "pictures/train/oak/2.png").write_bytes(b"none")
    shutil.copy(tmp_path / "pictures/train/ash/0.png", tmp_path / "pictures/test/ash/0.png")
    path = write({"trees": entry}, datasets=["trees"])

    main(["check", str(path)])
    without = capsys.readouterr().out
    with pytest.raises(SystemExit, match="has 2 faults"):
        main(["check", "--images", str(path)])

    assert "is a valid study: mine" in without
    looked = capsys.readouterr().out
    assert "2.png" in looked
    assert "test/ash/0.png" in looked
    assert "All images were opened." in looked


def test_copies_that_weigh_double_are_said_where_images_are_opened(
    write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees = pictures(tmp_path / "trees", train=4)
    (tmp_path / "trees/train/ash/copy.png").write_bytes((tmp_path / "trees/train/ash/0.png").read_bytes())

    main(["check", "--images", str(write({"trees": trees}, datasets=["trees"]))])

    assert "trees: 1 image more than once in the same class and part." in capsys.readouterr().out


def test_images_behind_folders_that_are_refused_are_not_said_to_be_opened(
    write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees = pictures(tmp_path / "trees", train=4)
    (tmp_path / "trees/testing").mkdir()

    with pytest.raises(SystemExit):
        main(["check", "--images", str(write({"trees": trees}, datasets=["trees"]))])

    assert "Not looked at: the images of trees." in capsys.readouterr().out


def test_what_is_found_in_an_own_folder_is_said(write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees = pictures(tmp_path / "trees", train=4)
    (tmp_path / "trees/train/ash/notes.txt").touch()

    main(["check", str(write({"trees": trees}, datasets=["trees"]))])

    printed = capsys.readouterr().out
    assert (
        "  trees: 12 images of 2 classes. Passed over: 1 file that is no image by its name, e.g. train/ash/" in printed
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"path": "study.yaml"}, 'study.yaml is no folder; correct "path" of dataset "trees"'),
        ({"path": "a" * 300}, "cannot be read (File name too long)"),
        ({"path": "~no-such-user/x"}, "The folder ~no-such-user/x does not exist"),
        ({"path": ".", "train_csv": ".", "test_csv": "."}, "cannot be read (Is a directory)"),
    ],
)
def test_a_folder_that_is_none_is_a_sentence(write, entry: dict[str, str], message: str) -> None:
    study = load_study(write({"trees": {"source": "folder"} | entry}, datasets=["trees"]))

    assert [message in fault for fault in faults_of(study)] == [True]


def test_names_that_no_file_system_takes_are_refused(write) -> None:
    faults = faults_of(load_study(write(results="r" * 300)))

    assert ["has a name of more than 255 bytes" in fault for fault in faults] == [True]


def test_a_folder_is_no_file_of_weights(write, tmp_path: Path) -> None:
    net = BACKBONES["net"] | {"weights": {"source": "file", "path": str(tmp_path)}}

    (fault,) = faults_of(load_study(write(more_backbones={"net": net})))

    assert f'{tmp_path}, the weights of backbone "net", is no file' in fault


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "standard input, line 2 is not valid YAML"), ("name: a\nname: b\n", "name is given twice")],
)
def test_a_study_from_standard_input_is_read_as_strictly(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(text))

    with pytest.raises(SystemExit, match=message):
        main(["check", "-"])
