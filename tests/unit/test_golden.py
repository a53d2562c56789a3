"""Specs in their golden texts: a text that changes reruns finished jobs of every user.

After a change that is meant, raise the stage's number in RECIPE and write the file anew:
``PYTHONPATH=. python tests/unit/test_golden.py > tests/golden/specs.json``.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from fgir import specs, study
from fgir.specs import RECIPE, RunSpec, canonical
from fgir.study import Cell, CostPoint, EndToEnd, Regime, Run, Search, TrainingOptions, catalogue, study_of
from fgir.study.catalogue import Strict
from fgir.workflow.specs import Specs

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden/specs.json"
# A dataset of every source, a backbone of every source of weights, all settings, and an option or two of each stage.
STUDY: dict[str, Any] = {
    "name": "golden",
    "datasets": ["elpv", "typefaces", "cub", "dafb"],
    "backbones": ["tf_efficientnet_lite0", "vit_b16", "resnet18.a1_in1k"],
    "train_sizes": [224],
    "test_sizes": [224, 288],
    "seeds": [1],
    "datasets_file": str(ROOT / "config/datasets.yaml"),
    "backbones_file": str(ROOT / "config/backbones.yaml"),
}
CHANGED: dict[str, Any] = {
    "data": {"limit_per_class": 5, "split_rule": "stratified", "pixels": "decode", "normalisation": "imagenet"},
    "training": {"epochs": 3, "batch_size_of": {"dafb": 64}, "drop_path": 0.1, "cal": {"attention_maps": 16}},
    "timing": {"repeats": 8, "scope": "end_to_end"},
}


def texts(content: dict[str, Any]) -> dict[str, str]:
    """Return the spec of every kind of job of a study, by what it is of."""
    asked = study_of(content, "golden")
    of, found = Specs(asked), {}
    for dataset in asked.datasets:
        found[f"source {dataset}"] = canonical(of.source(dataset))
        found[f"split {dataset}"] = canonical(of.split(dataset))
        found[f"pixels {dataset}"] = canonical(of.pixels(dataset, 300))
    for backbone in asked.backbones:
        found[f"weights {backbone}"] = canonical(of.weights(backbone))
    for regime in asked.regimes:
        found |= _of_a_regime(of, "dafb", asked.backbones[0], regime)
    for setting in asked.cost_settings:
        found[f"macs {setting}"] = canonical(of.macs(asked.backbones[0], setting, 288))
        found[f"timing {setting}"] = canonical(of.timing(CostPoint.of(asked.backbones[0], setting, 288, 10)))
        found[f"end_to_end {setting}"] = canonical(of.end_to_end(EndToEnd("cub", asked.backbones[0], setting, 288)))
    found["cell"] = canonical(of.cell(Cell("cub", asked.backbones[0], "cal", 224, 288)))
    return found | {"summary": canonical(of.summary())}


def _of_a_regime(of: Specs, dataset: str, backbone: str, regime: Regime) -> dict[str, str]:
    run = Run(dataset, backbone, regime, 224, 1)
    return {
        f"search {regime}": canonical(of.search(Search(*run[:4]), of.rates(dataset, regime)[:1])),
        f"choice {regime}": canonical(of.choice(Search(*run[:4]))),
        f"run {regime}": canonical(of.run(run)),
        f"evaluation {regime}": canonical(of.evaluation(run, 288)),
    }


# No spec holds one of these: what a job must know of them stands in its text.
_ASKED = {"Study", "DataOptions", "TuningOptions", "PlanOptions"}


def defaults() -> dict[str, dict[str, Any]]:
    """Return every default that a spec's text leaves out, by class and field."""
    classes = {
        name: kind
        for module in (catalogue, study, specs)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, Strict)
    }
    return {
        name: {
            field: json.loads(json.dumps(info.default, default=lambda value: value.model_dump(mode="json")))
            for field, info in sorted(kind.model_fields.items())
            if info.default is not PydanticUndefined
        }
        for name, kind in sorted(classes.items())
        if name not in _ASKED
    }


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    return json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("name", ["plain", "changed"])
def test_every_spec_has_its_golden_text(golden: dict[str, Any], name: str) -> None:
    found = texts(STUDY | (CHANGED if name == "changed" else {}))

    # A stage more is no change of the others.
    assert golden["recipe"].items() <= RECIPE.items()
    assert found == golden[name]


def test_no_default_that_a_text_leaves_out_has_changed(golden: dict[str, Any]) -> None:
    today = defaults()

    for kind, fields in golden["defaults"].items():
        assert fields == {name: today[kind][name] for name in fields}, f"of {kind}: raise the recipe of its stages"


def test_an_option_more_changes_no_text_until_it_is_asked_for() -> None:
    class Grown(TrainingOptions):
        look_ahead: float = 0.5

    class GrownRun(RunSpec):
        training: Grown

    run = Specs(study_of(STUDY | CHANGED, "golden")).run(Run("cub", "vit_b16", "cal", 224, 1))
    content = run.model_dump(mode="json")

    same = GrownRun.model_validate(content)
    other = GrownRun.model_validate(content | {"training": content["training"] | {"look_ahead": 0.7}})

    assert canonical(same) == canonical(run)
    assert canonical(other) != canonical(run)


if __name__ == "__main__":
    frozen = {"recipe": RECIPE, "plain": texts(STUDY), "changed": texts(STUDY | CHANGED), "defaults": defaults()}
    print(json.dumps(frozen, indent=1, sort_keys=True).replace(f"{ROOT}/", ""))
