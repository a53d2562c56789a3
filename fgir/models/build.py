"""The model of a run: its backbone under the head of its regime."""

from pathlib import Path
from typing import Literal

from safetensors import SafetensorError
from safetensors.torch import load_file

from fgir.models.backbones import Backbone, build_backbone
from fgir.models.cal import CAL
from fgir.models.classifier import Classifier
from fgir.models.drops import NO_DROPS, Drops
from fgir.models.tags import reason
from fgir.models.weights import RANDOM
from fgir.specs import ModelSpec
from fgir.study import CalOptions, Regime
from fgir.utils.errors import FgirError

OF_BACKBONE = "backbone.net."


def build_model(
    model: ModelSpec,
    regime: Regime,
    classes: int,
    size: int,
    cal: CalOptions | None,
    weights: Path | None,
    frozen_batch_norm: Literal["eval", "train"] = "eval",
    drops: Drops = NO_DROPS,
) -> Classifier | CAL:
    """Return the model that a run of ``regime`` trains on images of ``size`` pixels; ``forward`` gives a view's logits.

    ``weights`` is a file of ``write_weights``; everything else is drawn from torch's global generator. Raises
    FgirError as build_backbone does.
    """
    if regime in ("cal", "calmix"):
        options = cal or CalOptions()
        backbone = build_backbone(model, size, dense=True, weights=weights, drops=drops)
        return CAL(
            backbone,
            backbone.width,
            classes,
            maps=options.attention_maps,
            mask_interpolation=options.mask_interpolation,
            centre_momentum=options.centre_momentum,
        )
    classifier = Classifier(build_backbone(model, size, dense=False, weights=weights, drops=drops), classes)
    if regime == "frozen":
        classifier.freeze(frozen_batch_norm)
    return classifier


def untrained(model: ModelSpec, regime: Regime, classes: int, size: int, cal: CalOptions | None) -> Classifier | CAL:
    """Return the same with random numbers in it, for what depends on the architecture alone or is loaded afterwards."""
    return build_model(model.model_copy(update={"weights": RANDOM}), regime, classes, size, cal, weights=None)


def load_model(
    model: ModelSpec, regime: Regime, classes: int, size: int, cal: CalOptions | None, trained: Path
) -> Classifier | CAL:
    """Return a trained model, for images of ``size`` pixels: position tables trained at another size are resized.

    Raises FgirError where the file ``trained`` is missing, damaged or of another model.
    """
    network = untrained(model, regime, classes, size, cal)
    backbone = network.backbone
    assert isinstance(backbone, Backbone)
    try:
        state = load_file(trained)
        inner = {name.removeprefix(OF_BACKBONE): state[name] for name in state if name.startswith(OF_BACKBONE)}
        backbone.load(inner, str(trained))
        resized = {OF_BACKBONE + name: tensor for name, tensor in backbone.net.state_dict().items()}
        network.load_state_dict(state | resized)
    except FileNotFoundError:
        raise FgirError(f"{trained} does not exist; train the run first.") from None
    except (RuntimeError, SafetensorError) as error:
        raise FgirError(f"{trained} does not fit the model ({reason(error)}); delete it and rerun.") from None
    return network
