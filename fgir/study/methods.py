"""Register the methods: how weights are trained. A run's regime is its method's name. Nothing here loads torch.

``fgir/methods/<name>.py`` builds the network of a method and says what a step minimises.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

# Parts of a network that an adaptation trains; what stands below them stays as it is.
AdaptedPart = Literal["classifier", "classifier_bn", "classifier_bn_statistics", "last_block", "position"]
ADAPTED_PARTS: tuple[AdaptedPart, ...] = get_args(AdaptedPart)
# The weights that a training changes: all, only those above the backbone, or a part.
Trainable = Literal["all", "head", AdaptedPart]


class Method(NamedTuple):
    """Describe one way to train a model."""

    name: str
    learning_rates: tuple[float, ...]
    """Candidates of the search, unless a study names others; none if nothing learns."""
    views: int = 1
    """Forward passes of the encoder for each image of a batch, those of its regions included."""
    dense: bool = False
    """True if it needs the backbone's feature map, with attention over it, rather than a vector."""
    pairs: bool = False
    """True if a batch holds each image beside another of its class."""
    trainable: Trainable = "all"
    options: frozenset[str] = frozenset()
    """The training options that it reads and that some other method does not."""
    protocol: str = "centre"
    """The protocol that judges the candidates of its search, and that of the setting with its name."""
    network: str | None = None
    """The method whose network it has at inference, if that is another's: they cost the same."""

    @property
    def learns(self) -> bool:
        """Say whether there is anything to train. If not, its network is made of the pretrained weights as they are."""
        return bool(self.learning_rates)

    @property
    def trains_backbone(self) -> bool:
        """Say whether the backbone learns. If not, the candidates of a search share each pass through it."""
        return self.learns and self.trainable == "all"

    @property
    def shown(self) -> int:
        """Return the images that an epoch shows for each image of its part."""
        return 2 if self.pairs else 1

    @property
    def passes(self) -> int:
        """Return the forward passes that one image of a batch costs: a backward pass takes two more."""
        return self.views * (3 if self.trains_backbone else 1) * self.learns


_RATES = (0.03, 0.01, 0.003, 0.001)
_CAL = frozenset({"cal"})
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "frozen",
            (0.3, 0.1, 0.03, 0.01, 0.003),
            trainable="head",
            options=frozenset({"frozen_batch_norm"}),
            network="finetuned",
        ),
        Method("finetuned", _RATES),
        # An image, its crop and its drop; CALMix looks at its swap too.
        Method("cal", _RATES, views=3, dense=True, options=_CAL, protocol="attention_crops"),
        Method(
            "calmix",
            _RATES,
            views=4,
            dense=True,
            pairs=True,
            options=_CAL,
            protocol="attention_crops",
            network="cal",
        ),
        # The weights' own classifier, on datasets whose classes it has.
        Method("pretrained", (), network="finetuned"),
    )
}

if TYPE_CHECKING:
    Regime = str
else:
    Regime = Literal[tuple(METHODS)]

REGIMES: tuple[Regime, ...] = tuple(METHODS)
# Options of training that belong to some methods: those that a method does not read must not retrain it.
METHOD_OPTIONS = frozenset().union(*(method.options for method in METHODS.values()))
