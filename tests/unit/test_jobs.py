"""The specs of a study's jobs: learning rates and batch sizes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fgir.evaluation.evaluate import evaluate
from fgir.specs import SearchSpec, canonical, parse
from fgir.study import METHODS, REGIMES, Run, Search, Setting, load_study
from fgir.utils.errors import FgirError
from fgir.workflow.graph import Graph
from fgir.workflow.specs import Specs

DATASETS = {"small": {"source": "typefaces", "classes": 3}, "large": {"source": "typefaces", "classes": 4}}
BACKBONES = {"net": {"timm": "test_vit.r160_in1k", "weights": {"source": "none"}}}
STUDY = {"name": "two", "datasets": ["small", "large"], "backbones": ["net"], "train_sizes": [32], "seeds": [1, 10]}


TRAINED = [regime for regime in REGIMES if METHODS[regime].learning_rates]


def specs_of(folder: Path, **study: Any) -> Specs:
    (folder / "datasets.yaml").write_text(yaml.safe_dump(DATASETS))
    (folder / "backbones.yaml").write_text(yaml.safe_dump(BACKBONES))
    files = {f"{kind}_file": str(folder / f"{kind}.yaml") for kind in ("datasets", "backbones")}
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY | files | study))
    return Specs(load_study(folder / "study.yaml"))


def texts(specs: Specs, dataset: str) -> dict[str, str]:
    """Every spec of a dataset's jobs, by stage and regime."""
    found = {"source": canonical(specs.source(dataset)), "split": canonical(specs.split(dataset))}
    found["pixels"] = canonical(specs.pixels(dataset, 36))
    for regime in TRAINED:
        for number, rate in enumerate(specs.rates(dataset, regime)):
            found[f"search {regime} {number}"] = canonical(specs.search(Search(dataset, "net", regime, 32), [rate]))
        found[f"choice {regime}"] = canonical(specs.choice(Search(dataset, "net", regime, 32)))
        found[f"run {regime}"] = canonical(specs.run(Run(dataset, "net", regime, 32, 1)))
        found[f"evaluation {regime}"] = canonical(specs.evaluation(Run(dataset, "net", regime, 32, 1), 32))
    return found


def test_a_batch_size_of_a_dataset_scales_its_candidates_as_published(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, training={"batch_size_of": {"large": 64}})

    assert specs.rates("small", "frozen") == [0.3, 0.1, 0.03, 0.01, 0.003]
    assert specs.rates("large", "frozen") == [2.4, 0.8, 0.24, 0.08, 0.024]
    assert specs.rates("large", "finetuned") == specs.rates("large", "calmix") == [0.24, 0.08, 0.024, 0.008]
    assert specs.run(Run("large", "net", "calmix", 32, 1)).training.batch_size == 64
    assert specs.run(Run("small", "net", "calmix", 32, 1)).training.batch_size == 8


def test_a_batch_size_of_a_dataset_trains_that_dataset_again_and_nothing_else(tmp_path: Path) -> None:
    before, after = specs_of(tmp_path), specs_of(tmp_path, training={"batch_size_of": {"large": 64}})

    old, new = texts(before, "large"), texts(after, "large")

    assert texts(before, "small") == texts(after, "small")
    assert {name for name in old if old[name] != new[name]} == {
        name for name in old if name.startswith(("search", "run"))
    }


def test_a_batch_size_of_one_dataset_means_what_it_means_for_all(tmp_path: Path) -> None:
    grids = {factor: {regime: [0.1 * factor, 0.01 * factor] for regime in TRAINED} for factor in (1, 8)}
    of_each = {"batch_size_of": {"small": 64, "large": 64}}
    named = specs_of(tmp_path, training=of_each, tuning={"learning_rates": grids[1]})
    plain = specs_of(tmp_path, training={"batch_size": 64}, tuning={"learning_rates": grids[8]})

    assert texts(named, "large") == texts(plain, "large")


def test_a_search_has_its_own_seed_and_epochs_and_judges_on_val(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, tuning={"seed": 7, "epochs": 3}, training={"epochs": 20})

    search = specs.search(Search("small", "net", "frozen", 32), specs.rates("small", "frozen"))

    assert (search.run.part, search.run.seed, search.run.training.epochs) == ("train", 7, 3)
    assert search.learning_rates == [0.3, 0.1, 0.03, 0.01, 0.003]
    assert parse(SearchSpec, canonical(search)) == search
    final = specs.run(Run("small", "net", "frozen", 32, 10))
    assert (final.part, final.seed, final.training.epochs, final.learning_rate) == ("train_val", 10, 20, None)


def test_learning_rates_that_cannot_share_a_pass_are_refused(tmp_path: Path) -> None:
    specs = specs_of(tmp_path)
    alone = specs.search(Search("small", "net", "finetuned", 32), [0.1])
    text = canonical(alone).replace('"learning_rates":[0.1]', '"learning_rates":[0.1,0.01]')

    with pytest.raises(FgirError, match="finetuned trains the backbone, so that each learning rate is a job of its"):
        parse(SearchSpec, text)


def test_a_setting_of_another_regime_cannot_be_evaluated_on_the_weights_of_a_run(tmp_path: Path) -> None:
    spec = specs_of(tmp_path).evaluation(Run("small", "net", "cal", 32, 1), 64)
    metrics: dict[Setting, Path] = {name: tmp_path / f"{name}.parquet" for name in ("cal", "calmix_nc")}

    with pytest.raises(FgirError, match="calmix_nc cannot be evaluated on weights of regime cal; leave it out"):
        evaluate(spec, metrics, tmp_path, tmp_path, tmp_path, 0)

    assert spec.side == 85
    assert not list(tmp_path.glob("*.parquet"))


def test_an_evaluation_means_the_same_whichever_settings_of_the_regime_a_study_has(tmp_path: Path) -> None:
    run = Run("small", "net", "cal", 32, 1)

    texts_of = {
        canonical(specs_of(tmp_path, settings=some).evaluation(run, 64)) for some in (["cal"], ["cal_nc", "cal"])
    }

    assert len(texts_of) == 1


def test_a_fixed_learning_rate_is_scaled_like_a_candidate(tmp_path: Path) -> None:
    grids = {regime: [0.01] for regime in TRAINED}
    specs = specs_of(tmp_path, tuning={"learning_rates": grids}, training={"batch_size_of": {"large": 64}})

    assert specs.run(Run("small", "net", "cal", 32, 1)).learning_rate == 0.01
    assert specs.run(Run("large", "net", "cal", 32, 1)).learning_rate == 0.08


def test_a_batch_size_of_no_dataset_of_the_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r'batch_size_of names "lrage", which .* did you mean "large"[?]$'):
        specs_of(tmp_path, training={"batch_size_of": {"lrage": 64}})


def test_the_published_study_trains_its_two_largest_datasets_in_batches_of_64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    study = load_study("config/config.yaml")
    specs = Specs(study)

    sizes = {name: specs.run(Run(name, "vit_b16", "cal", 224, 1)).training.batch_size for name in study.datasets}

    assert {name for name, size in sizes.items() if size == 64} == {"dafb", "inat17"}
    assert set(sizes.values()) == {8, 64}


def test_a_background_concerns_the_jobs_that_see_pixels_and_no_others(tmp_path: Path) -> None:
    blue = {"background": [0, 0, 255]}

    def changed(**data: Any) -> set[str]:
        before, after = specs_of(tmp_path, data=data), specs_of(tmp_path, data=data | blue)
        old, new = texts(before, "small"), texts(after, "small")
        return {name.split()[0] for name in old if old[name] != new[name]}

    # Trainings of stored pixels follow from the store; that they name the background tells a finished one from another.
    assert changed(pixels="store") == changed(pixels="decode") == {"pixels", "search", "run", "evaluation"}


def test_the_published_sizes_before_a_crop_reach_runs_evaluations_and_inputs(tmp_path: Path) -> None:
    run = Run("small", "net", "cal", 32, 1)

    sides = {}
    for rule in ("ratio", "published"):
        specs = specs_of(tmp_path, data={"resize_rule": rule})
        inputs = Graph(specs)["train"].inputs(run)
        sides[rule] = (specs.run(run).side, specs.evaluation(run, 64).side, Path(inputs["images"]).name)

    assert sides == {"ratio": (42, 85, "42.npy"), "published": (36, 72, "36.npy")}


def test_the_study_of_fixres_trains_as_the_paper_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    study = load_study("config/studies/fixres_imagenet.yaml")

    run = Specs(study).run(Run("imagenet", "tv_resnet50", "finetuned", 224, 1, "fixres"))
    images, options = 1_281_167, run.training

    assert run.model.weights == "none (random)"
    assert run.learning_rate == 0.1 * options.batch_size / 256
    # 120 epochs of 5,005 batches, a tenth of the rate every 30 of them; the last batch of an epoch is not filled here.
    ours, theirs = (images // options.batch_size) * options.epochs, 120 * 5005
    assert ours == pytest.approx(theirs, rel=1e-3)
    assert options.decay_every / options.epochs == 30 / 120
    assert (options.repeats, options.momentum, options.weight_decay, options.warmup_steps) == (3, 0.9, 1e-4, 0)
    assert str(run.geometry.train).startswith("random_resized_crop 224 0.08 bilinear")
