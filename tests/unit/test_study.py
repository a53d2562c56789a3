from pathlib import Path

import pytest

from fgir.address import CANDIDATE, MACS, METRICS, fill
from fgir.errors import FgirError
from fgir.jobs import Specs, resized_side
from fgir.specs import RunSpec, canonical, parse
from fgir.study import Cell, CostPoint, Run, Study, json_schema, load_study

STUDY = """
name: tiny
datasets: [letters]
backbones: [net]
train_sizes: [32]
seeds: [1, 2]
datasets_file: {folder}/datasets.yaml
backbones_file: {folder}/backbones.yaml
"""
DATASETS = "letters: {source: typefaces, classes: 3}\n"
BACKBONES = "net: {timm: test_vit.r160_in1k, weights: {source: none}}\n"


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "datasets.yaml").write_text(DATASETS)
    (tmp_path / "backbones.yaml").write_text(BACKBONES)

    def write(more: str = "", study: str = STUDY) -> Path:
        path = tmp_path / "study.yaml"
        path.write_text(study.format(folder=tmp_path) + more)
        return path

    return write


def test_a_study_without_options_is_the_published_protocol(write) -> None:
    study = load_study(write())

    training = study.training
    assert (training.epochs, training.batch_size, training.momentum, training.warmup_steps) == (50, 8, 0.9, 500)
    assert study.tuning.learning_rates["frozen"] == [0.3, 0.1, 0.03, 0.01, 0.003]
    assert study.tuning.learning_rates["cal"] == [0.03, 0.01, 0.003, 0.001]
    assert Study(name="x", datasets=["a"], backbones=["b"]).seeds == [1, 10, 100]


def test_runs_are_shared_by_the_settings_of_a_regime(write) -> None:
    study = load_study(write())

    assert len(study.runs()) == 4 * 2
    assert len(study.cells()) == 6


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("setings: [cal]\n", 'unknown key setings; did you mean "settings"?'),
        ("train_size: [32]\n", 'unknown key train_size; did you mean "train_sizes"?'),
        ("cal: {}\n", 'unknown key cal; did you mean "training.cal"?'),
        ("seed: 1\n", 'unknown key seed; did you mean "seeds" or "tuning.seed"?'),
        ("training: {epoch: 3}\n", 'unknown key training.epoch; did you mean "epochs"?'),
        ("training: {epochs: many}\n", "training.epochs: input should be a valid integer"),
        ("settings: [cal_nx]\n", 'settings.0: there is no "cal_nx"; did you mean "cal_nc"?'),
        ("tuning: {learning_rates: {frozen: [0.1]}}\n", "names no candidates for finetuned"),
        ("test_sizes: [32, 32]\n", "each value may be named once"),
        ("test_sizes: [0]\n", "test_sizes.0: input should be greater than or equal to 16 (got 0)"),
        ("results: ''\n", "results: string should have at least 1 character"),
        ("training: {batch_size: 7}\n", ": training.batch_size is 7; calmix trains on pairs and needs an even number"),
        ("splits: [1]\n", "unknown key splits"),
        ("test_sizes: 64\n", "test_sizes is 64 and must be a list; write [64]."),
        (
            "tuning: {learning_rates: {cal_nc: [0.1]}}\n",
            'tuning.learning_rates.cal_nc: there is no "cal_nc"; did you mean "cal"?',
        ),
        ("plan: {{n}}\n", "found unhashable key"),
        ("seeds: [1]\nseeds: [2]\n", "seeds is given twice"),
        ("seeds: [1\nsettings: [cal]\n", " is not valid YAML: did not find expected ',' or ']'"),
    ],
)
def test_a_fault_is_one_sentence_with_file_key_and_mend(write, more: str, message: str) -> None:
    path = write(more)

    with pytest.raises(FgirError) as fault:
        load_study(path)

    assert str(fault.value).startswith(str(path))
    assert message in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_misspelt_dataset_or_backbone_gets_the_nearest_name(write) -> None:
    with pytest.raises(FgirError, match='has no dataset "leters"; did you mean "letters"'):
        load_study(write(study=STUDY.replace("[letters]", "[leters]")))
    with pytest.raises(FgirError, match='has no backbone "nett"; did you mean "net"'):
        load_study(write(study=STUDY.replace("[net]", "[nett]")))


def test_a_timm_tag_needs_no_entry(write) -> None:
    study = load_study(write(study=STUDY.replace("[net]", "[resnet18.tv_in1k]")))

    assert study.backbone_entries["resnet18.tv_in1k"].weights.source == "timm"


def test_order_of_keys_and_spelling_of_numbers_do_not_change_a_job(write) -> None:
    grids = "tuning: {learning_rates: {frozen: [0.1], finetuned: [0.1], cal: [0.1, 1], calmix: [0.1]}}\n"
    reordered = "tuning: {learning_rates: {calmix: [1e-1], cal: [1.0, 0.10], finetuned: [1e-1], frozen: [1e-1]}}\n"
    plain = load_study(write("training: {clip_norm: 1, epochs: 3}\n" + grids))
    other = load_study(write(reordered + "training: {epochs: 3.0, clip_norm: 1.0}\n"))
    run = Run("letters", "net", "cal", 32, 1)

    texts = [canonical(Specs(study).run(run)) for study in (plain, other)]

    assert texts[0] == texts[1]


def test_an_option_of_one_regime_leaves_the_others_alone(write) -> None:
    before = Specs(load_study(write()))
    after = Specs(load_study(write("training: {frozen_batch_norm: train, cal: {attention_maps: 8}}\n")))

    changed = {
        regime
        for regime in ("frozen", "finetuned", "cal", "calmix")
        if canonical(before.run(Run("letters", "net", regime, 32, 1)))
        != canonical(after.run(Run("letters", "net", regime, 32, 1)))
    }

    assert changed == {"frozen", "cal", "calmix"}


def test_a_spec_survives_its_text(write) -> None:
    spec = Specs(load_study(write())).run(Run("letters", "net", "cal", 32, 1))

    assert parse(RunSpec, canonical(spec)) == spec


def test_one_learning_rate_is_taken_without_a_search(write) -> None:
    grids = "tuning: {learning_rates: {frozen: [0.1], finetuned: [0.03, 0.01], cal: [0.1], calmix: [0.1]}}\n"
    specs = Specs(load_study(write(grids)))

    assert specs.run(Run("letters", "net", "frozen", 32, 1)).learning_rate == 0.1
    assert specs.run(Run("letters", "net", "finetuned", 32, 1)).learning_rate is None


def test_images_are_resized_to_the_published_squares() -> None:
    assert [resized_side(size) for size in (224, 384, 448, 32, 64, 96)] == [300, 514, 600, 36, 72, 128]


def test_addresses_can_be_guessed() -> None:
    cell = Cell("cub", "resnet101", "cal_nc", 224, 384)

    assert fill(METRICS, cell, seed=10) == "evaluations/cub/resnet101/cal_nc/224-384/seed10/metrics.parquet"
    assert fill(MACS, CostPoint("resnet101", "cal_nc", 384, 200)) == "cost/resnet101/cal_nc/384/classes200/macs.parquet"
    run = Run("cub", "resnet101", "cal", 224, 1)
    assert fill(CANDIDATE, run, learning_rate=0.10) == "tuning/cub/resnet101/cal/224/lr0.1.parquet"


def test_the_committed_schema_of_study_files_is_the_models() -> None:
    committed = Path(__file__).parents[2] / "workflow" / "schemas" / "study.schema.json"

    assert committed.read_text() == json_schema(), "run: fgir schema > workflow/schemas/study.schema.json"
