"""Specs of a backbone: as the jobs of a study build it, and of its costs outside any study."""

from typing import Literal

from fgir.specs import RECIPE, MacsSpec, ModelSpec, TimingSpec, weights_label
from fgir.study import METHODS, REGIME_OF, CalOptions, Regime, Setting, TimingOptions
from fgir.study.catalogue import Backbone, backbone_entry

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def model_spec(name: str, entry: Backbone, normalisation: Literal["model", "imagenet"]) -> ModelSpec:
    """Return a backbone of the catalogue as the jobs that build it need it."""
    imagenet = normalisation == "imagenet"
    return ModelSpec(
        backbone=name,
        timm=entry.timm,
        pool=entry.pool,
        mean=IMAGENET_MEAN if imagenet else entry.mean,
        std=IMAGENET_STD if imagenet else entry.std,
        weights=weights_label(entry),
    )


def cal_of(regime: Regime, options: CalOptions) -> CalOptions | None:
    """Return the options of CAL for a method that reads them; None for any other."""
    return options if "cal" in METHODS[regime].options else None


def macs_of_backbone(name: str, entries: dict[str, Backbone], setting: Setting, size: int) -> MacsSpec:
    """Return the spec of the MACs of a backbone outside any study, with the default options."""
    return MacsSpec(
        recipe=RECIPE["macs"],
        model=model_spec(name, backbone_entry(name, entries, "the catalogue"), "model"),
        setting=setting,
        test_size=size,
        cal=cal_of(REGIME_OF[setting], CalOptions()),
    )


def timing_of_backbone(
    name: str, entries: dict[str, Backbone], setting: Setting, size: int, classes: int
) -> TimingSpec:
    """Return the spec of the timing of a backbone outside any study, with the default options."""
    counted = macs_of_backbone(name, entries, setting, size)
    return TimingSpec(
        recipe=RECIPE["timing"],
        model=counted.model,
        setting=setting,
        test_size=size,
        classes=classes,
        cal=counted.cal,
        timing=TimingOptions(),
    )
