"""Build the model of a run: its backbone under the head of its method."""

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fgir.models.backbones import Backbone
from fgir.models.drops import NO_DROPS, Drops
from fgir.models.shapes import on_meta_device
from fgir.models.tags import reason
from fgir.models.weights import RANDOM
from fgir.specs import Network
from fgir.study import Regime
from fgir.utils.errors import FgirError

OF_BACKBONE = "backbone.net."


class Implementation(Protocol):
    """Describe a file of this package, which has the name of its method."""

    def build(self, network: Network, weights: Path | None, drops: Drops) -> nn.Module:
        """Return the network, with a ``Backbone`` as ``backbone``; its ``forward`` gives a view's logits (B, classes).

        A method that trains the head alone returns a ``Classifier``; each learning rate trains a copy of its ``head``.
        """

    def loss(self, model: Any, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss (scalar) and the logits (B, classes) that count for training accuracy, of one batch.

        ``images`` is (B, 3, S, S), normalised; images of one class stand side by side if the method wants pairs. For a
        method that trains the head alone, ``model`` may be a head and ``images`` the pooled vectors (B, D).
        """


def implementation(regime: Regime) -> Implementation:
    """Return the file that builds the network of a method and computes its loss."""
    found: Any = import_module(f"fgir.methods.{regime}")
    return found  # type: ignore[no-any-return]


def build_model(network: Network, weights: Path | None, drops: Drops = NO_DROPS) -> nn.Module:
    """Return the model that a run trains; ``forward`` gives a view's logits.

    ``weights`` is a file of ``write_weights``; everything else is drawn from torch's global generator. Raises
    FgirError as build_backbone does.
    """
    return implementation(network.regime).build(network, weights, drops)


def untrained(network: Network, drops: Drops = NO_DROPS) -> nn.Module:
    """Return the model with random weights, for uses that need only the architecture, or load weights afterwards."""
    return build_model(network._replace(model=network.model.model_copy(update={"weights": RANDOM})), None, drops)


def load_model(network: Network, trained: Path, drops: Drops = NO_DROPS) -> nn.Module:
    """Return the model with the weights of the file ``trained``; position tables of another size are resized.

    Raises FgirError if the file is missing, damaged or of another model.
    """
    model = untrained(network, drops)
    backbone = backbone_of(model)
    try:
        state = load_file(trained)
        inner = {name.removeprefix(OF_BACKBONE): state[name] for name in state if name.startswith(OF_BACKBONE)}
        backbone.load(inner, str(trained))
        resized = {OF_BACKBONE + name: tensor for name, tensor in backbone.net.state_dict().items()}
        model.load_state_dict(state | resized)
    except FileNotFoundError:
        raise FgirError(f"{trained} does not exist; train the run first.") from None
    except (RuntimeError, SafetensorError) as error:
        raise FgirError(f"{trained} does not fit the model ({reason(error)}); delete it and rerun.") from None
    return model


def inputs_of_classifier(network: Network) -> int:
    """Return how many numbers of an image the classifier reads, decided on shapes alone."""
    model: Any = on_meta_device(lambda: untrained(network))
    return int(model.classifier.in_features)


def backbone_of(model: nn.Module) -> Backbone:
    """Return the backbone of a model that a method has built."""
    backbone = model.backbone
    assert isinstance(backbone, Backbone)
    return backbone
