"""The catalogue of adaptations: what is read, and what is refused."""

from pathlib import Path
from typing import get_args

import pytest

from fgir.specs import AdaptationSpec, EvaluationSpec, RunSpec
from fgir.study.adaptations import Adaptation, Part, load_adaptations, no_adaptation
from fgir.utils.errors import FgirError

CATALOGUE = Path(__file__).parents[2] / "config" / "adaptations.yaml"


def written(folder: Path, text: str) -> Path:
    path = folder / "adaptations.yaml"
    path.write_text(text)
    return path


def test_catalogue_has_every_part() -> None:
    entries = load_adaptations(CATALOGUE)

    assert {entry.part for entry in entries.values()} == set(get_args(Part))


def test_catalogue_has_both_augmentations_of_table_6_and_that_of_table_8() -> None:
    entries = load_adaptations(CATALOGUE)

    for part in ("classifier", "classifier_bn"):
        assert (entries[part].augmentation, entries[f"{part}_train"].augmentation) == ("test", "train")
    assert entries["classifier_bn_shift"].augmentation == "test_shift"


def test_defaults_are_the_papers() -> None:
    adaptation = Adaptation(part="classifier_bn")

    assert adaptation.model_dump() == {
        "part": "classifier_bn",
        "augmentation": "test",
        "epochs": 60,
        "learning_rate": 0.008,
        "batch_size": 512,
        "decay_every": 30,
        "momentum": 0.9,
        "weight_decay": 1e-4,
        "features_gb": 50.0,
    }


def test_adaptation_specifies_all_that_decides_the_crops_of_a_training() -> None:
    # What an evaluation says of its images, a run and an adaptation say too.
    shared = set(EvaluationSpec.model_fields) & set(RunSpec.model_fields)

    assert shared <= set(AdaptationSpec.model_fields)


def test_wrong_key_is_a_sentence_with_the_right_one(tmp_path: Path) -> None:
    path = written(tmp_path, "mine: {part: classifier, epoch: 3}")

    with pytest.raises(FgirError, match=r'unknown key mine\.epoch; did you mean "mine\.epochs"') as raised:
        load_adaptations(path)

    assert str(path) in str(raised.value)


def test_unknown_part_is_a_sentence_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match='there is no "clasifier"; did you mean "classifier"'):
        load_adaptations(written(tmp_path, "mine: {part: clasifier}"))


def test_rate_of_a_part_that_trains_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match="bn_statistics trains nothing, so learning_rate would say nothing; remove it"):
        load_adaptations(written(tmp_path, "mine: {part: bn_statistics, learning_rate: 0.1}"))


@pytest.mark.parametrize("name", ["none", "With-Dash", "../up", "9"])
def test_name_that_no_path_can_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FgirError, match=f'"{name}" cannot name an adaptation'):
        load_adaptations(written(tmp_path, f'"{name}": {{part: classifier}}'))


def test_unknown_name_is_a_sentence_with_the_nearest() -> None:
    entries = load_adaptations(CATALOGUE)

    sentence = no_adaptation("clasifier_bn", entries, CATALOGUE)

    assert sentence == f'{CATALOGUE} has no adaptation "clasifier_bn"; did you mean "classifier_bn"?'
