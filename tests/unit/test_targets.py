"""What a target of `fgir submit` names."""

from pathlib import Path

import pytest
import yaml

from fgir.cluster.targets import wanted
from fgir.study import Run, Study, load_study
from fgir.utils.errors import FgirError

STUDY = {
    "name": "two",
    "datasets": ["small"],
    "backbones": ["net"],
    "settings": ["frozen", "cal", "cal_nc"],
    "train_sizes": [32],
    "test_sizes": [32, 64],
    "seeds": [1, 10],
    "results": "results/two",
}
CAL = Run("small", "net", "cal", 32, 1)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    catalogues = {
        "datasets": {"small": {"source": "typefaces", "classes": 3}},
        "backbones": {"net": {"timm": "test_vit.r160_in1k", "weights": {"source": "none"}}},
    }
    files = {f"{kind}_file": str(tmp_path / f"{kind}.yaml") for kind in catalogues}
    for kind, content in catalogues.items():
        (tmp_path / f"{kind}.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY | files))
    return load_study(tmp_path / "study.yaml")


def test_a_study_is_all_its_runs_evaluated_at_all_its_sizes(study: Study) -> None:
    runs = wanted(study, True, [])

    assert list(runs) == study.runs()
    assert list(runs.values()) == [[32, 64]] * 4


def test_a_cell_is_its_runs_of_each_seed_evaluated_at_its_size(study: Study) -> None:
    runs = wanted(study, False, ["results/two/cells/small/net/cal_nc/32-64.parquet"])

    assert runs == {CAL: [64], CAL._replace(seed=10): [64]}


@pytest.mark.parametrize("path", ["", "/train.parquet", "/model.safetensors", "/"])
def test_a_run_is_evaluated_at_the_sizes_that_the_study_wants_of_it(study: Study, path: str) -> None:
    runs = wanted(study, False, [f"./results/two/runs/small/net/cal/32/seed1{path}"])

    assert runs == {CAL: [32, 64]}


def test_a_seed_and_a_size_may_be_the_users_own(study: Study) -> None:
    runs = wanted(study, False, [str(Path.cwd() / "results/two/runs/small/net/frozen/48/seed7")])

    assert runs == {Run("small", "net", "frozen", 48, 7): [48]}


def test_targets_of_one_run_are_one_job(study: Study) -> None:
    evaluation = "results/two/evaluations/small/net/{}/32-{}/seed1"
    named = [evaluation.format(*which) for which in (("cal", 32), ("cal_nc", 96), ("cal_nc", 32))]

    runs = wanted(study, False, named)

    assert runs == {CAL: [32, 96]}


def test_a_name_of_another_study_is_met_with_the_option_that_chooses_it(study: Study) -> None:
    with pytest.raises(FgirError, match=r'has no dataset "cub".* Choose another study with --study\.'):
        wanted(study, False, ["results/two/cells/cub/net/cal_nc/32-64.parquet"])


def test_a_path_of_another_study_is_refused(study: Study) -> None:
    with pytest.raises(FgirError, match="results/two/cells/"):
        wanted(study, False, ["results/cells/small/net/cal_nc/32-64.parquet"])


def test_an_adapted_cell_is_left_to_snakemake_in_a_sentence(study: Study) -> None:
    adapted = study.model_copy(update={"adaptations": ["none", "classifier"]})

    with pytest.raises(FgirError, match=r"the adaptation classifier is made by Snakemake: snakemake results/two/cells"):
        wanted(adapted, False, ["results/two/cells/small/net/cal_nc/32-64-classifier.parquet"])


def test_a_study_of_adaptations_alone_sends_no_evaluation_of_runs_as_they_are(study: Study) -> None:
    adapted = study.model_copy(update={"adaptations": ["classifier"]})

    assert set(map(tuple, wanted(adapted, True, []).values())) == {()}


def test_a_run_of_pretrained_weights_is_left_to_snakemake_in_a_sentence(study: Study) -> None:
    own = study.model_copy(update={"settings": ["pretrained"]})

    with pytest.raises(FgirError, match="nothing of pretrained is trained, so there is no run to send"):
        wanted(own, False, ["results/two/runs/small/net/pretrained/32/seed1"])
    assert wanted(own, True, []) == {}
