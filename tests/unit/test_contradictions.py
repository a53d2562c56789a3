"""Values of a study that are right each and cannot stand together: all are named at once."""

from typing import Any

import pytest
import yaml

from fgir.study import study_of
from fgir.utils.errors import FgirError

FROZEN = {"settings": ["frozen"], "tuning": {"learning_rates": {"frozen": [0.1, 0.001]}}}


@pytest.fixture
def faults(tmp_path):  # type: ignore[no-untyped-def]
    catalogues = {
        "datasets": {name: {"source": "typefaces", "classes": 3} for name in ("letters", "words")},
        "backbones": {"net": {"timm": "test_vit.r160_in1k", "weights": {"source": "none"}}},
    }
    for kind, content in catalogues.items():
        (tmp_path / f"{kind}.yaml").write_text(yaml.safe_dump(content))
    base = {f"{kind}_file": str(tmp_path / f"{kind}.yaml") for kind in catalogues}
    base |= {"name": "a", "datasets": ["letters"], "backbones": ["net"]}

    def faults(**keys: Any) -> list[str]:
        try:
            study_of(base | keys, "here")
        except FgirError as error:
            return str(error).splitlines()
        return []

    return faults


def test_all_contradictions_of_a_study_are_listed_at_once(faults) -> None:
    found = faults(
        settings=["cal", "calmix"],
        tuning={"learning_rates": {"cal": [0.1, 0.001]}},
        training={"batch_size": 7, "batch_size_of": {"leters": 8}, "min_learning_rate": 0.01},
        timing={"repeats": 20, "max_repeats": 10},
    )

    assert found == [
        "here: tuning.learning_rates names no candidates for calmix.",
        'here: training.batch_size_of names "leters", which is none of the study\'s datasets; did you mean "letters"?',
        "here: training.batch_size is 7; calmix trains on pairs and needs an even number.",
        "here: timing.max_repeats is 10, less than one round of timing.repeats (20).",
        "here: training.min_learning_rate is 0.01, above the candidates 0.001 of cal: learning rates would rise where "
        "they should fall; lower it.",
    ]


def test_contradictions_names_and_folders_are_listed_beside_faults_of_single_values(faults) -> None:
    found = faults(
        training={"batch_size": 7, "epochs": 0}, seeds="many", backbones=["nett"], published_file="", results=".."
    )

    assert found == [
        "here: seeds is many and must be a list; write [many].",
        "here: published_file is empty; fill it, as in published_file: config/published/arxiv-2605.18700.csv, or leave "
        "the key out.",
        "here: training.epochs is 0 and must be at least 1.",
        "here: training.batch_size is 7; calmix trains on pairs and needs an even number.",
        "here: results is .., which holds this working folder; name a folder of its own, as in results: results/mine.",
        *[line for line in found if 'no backbone "nett"' in line],
    ]
    assert len(found) == 6


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        # Which settings is not known: batches of calmix may not be asked for.
        ({"settings": ["frozen", "cal_x"], "training": {"batch_size": 7}}, 'settings: there is no "cal_x"'),
        ({"setings": ["frozen"], "training": {"batch_size": 7}}, "unknown key setings"),
        ({"training": {"batch_size": 0, "batch_size_of": {"letters": 2}}}, "training.batch_size is 0"),
        ({"settings": ["cal"], "tuning": {"learning_rate": {"cal": [0.1]}}}, "unknown key tuning.learning_rate"),
        ({"training": [1], "settings": ["calmix"]}, "training is [1] and must be a mapping"),
    ],
)
def test_a_default_in_place_of_a_wrong_value_contradicts_nothing(faults, keys: dict[str, Any], fault: str) -> None:
    found = faults(**keys)

    assert len(found) == 1
    assert found[0].startswith(f"here: {fault}")


@pytest.mark.parametrize(
    ("training", "fault"),
    [
        ({"min_learning_rate": 0.2}, "min_learning_rate is 0.2, above the candidates 0.1, 0.001 of frozen: learning"),
        ({"min_learning_rate": 0.001}, None),
        ({"warmup_learning_rate": 0.01}, "warmup_learning_rate is 0.01, above the candidates 0.001 of frozen: they"),
        ({"warmup_learning_rate": 0.01, "warmup_steps": 0}, None),
        (
            # Of smaller batches the rates are smaller too.
            {"min_learning_rate": 0.0009, "batch_size": 8, "batch_size_of": {"letters": 4}},
            "min_learning_rate is 0.0009, above the candidates 0.0005 of frozen for letters (x 4 / 8): learning",
        ),
    ],
)
def test_a_learning_rate_goes_up_to_its_candidate_and_down_from_it(faults, training, fault: str | None) -> None:
    found = faults(**FROZEN, training=training)

    assert len(found) == bool(fault)
    assert not fault or found[0].startswith(f"here: training.{fault}")


@pytest.mark.parametrize("key", ["published_file", "datasets_file", "backbones_file"])
def test_an_empty_name_of_a_file_is_refused(faults, key: str) -> None:
    found = faults(**{key: ""})

    assert [line for line in found if line.startswith(f"here: {key} is empty; fill it")]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"classes": 3, "train_val": 10, "train": 7, "val": 2}, "train and val are 7 and 2, but train_val is 10"),
        ({"classes": 5, "test": 4}, "test is 4, fewer than the 5 classes; correct one."),
        ({"source": "folder", "path": "x", "train_csv": ""}, "letters.train_csv is empty"),
    ],
)
def test_counts_of_a_catalogue_that_contradict_each_other_are_refused(
    faults, tmp_path, entry: dict[str, Any], fault: str
) -> None:
    (tmp_path / "datasets.yaml").write_text(yaml.safe_dump({"letters": {"source": "typefaces"} | entry}))

    (found,) = faults()

    assert fault in found


def test_images_that_are_bounded_below_what_a_test_crop_is_cut_from_are_refused(faults) -> None:
    crops = {"crops": ["square", "fixres"], "train_sizes": [128], "test_sizes": [224, 448]}

    (fault,) = faults(**crops, data={"shorter_side": 500})

    assert "data.shorter_side is 500, but images become 512 pixels high or wide before fixres crops of 448" in fault
    assert faults(**crops, data={"shorter_side": 512}) == []


def test_keys_that_nothing_reads_are_refused(faults) -> None:
    (bound,) = faults(crops=["square", "fixed_scale"], data={"shorter_side": 300})
    (steps,) = faults(training={"decay_every": 7})

    assert "data.shorter_side is 300, but bounds no image of square crops; leave it out." in bound
    assert "training.decay_every is 7, which schedule cosine does not read; leave it out." in steps
    assert faults(training={"decay_every": 7, "schedule": "step"}) == []


def test_reduced_decoding_that_reduces_nothing_is_refused(faults) -> None:
    reduced = {"reduced_decoding": True}

    (fault,) = faults(crops=["square", "fixres"], data=reduced)

    assert "reduces no image of fixres crops" in fault
    assert faults(crops=["square", "fixres"], data=reduced | {"shorter_side": 300}) == []
    assert faults(data=reduced) == []
