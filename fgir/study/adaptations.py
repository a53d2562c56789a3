"""Read the named adaptations: how a trained run is changed for another test size. Nothing here loads torch."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from fgir.study.methods import ADAPTED_PARTS, AdaptedPart
from fgir.study.strict import Strict, read_yaml, validated
from fgir.utils.errors import nearest, raise_all

# The last looks at the images, and learns no weights from them.
Part = Literal[AdaptedPart, "bn_statistics"]
# The operations that learn, with the keys of an entry that they read.
_OF_TRAINING = ("epochs", "learning_rate", "decay_every", "momentum", "weight_decay", "features_gb")
# A name stands in paths, after a dash.
NAME = "[a-z][a-z0-9_]{,39}"
# The name that stands for no adaptation.
_TAKEN = "none"


class Adaptation(Strict):
    """Describe one adaptation; every default but the part's is the FixRes paper's (arXiv 1906.06423, section 5.1)."""

    part: Part = Field(
        description="what of the network changes: its classifier, with the norm before pooling or that norm's "
        "statistics alone, or with the last block; what stands below stays as it is"
    )
    augmentation: Literal["test", "test_shift", "train"] = Field(
        default="test", description="how training images become crops: as at test, that with a random shift, as trained"
    )
    epochs: int = Field(default=60, ge=1)
    learning_rate: float = Field(default=0.008, gt=0)
    batch_size: int = Field(default=512, ge=2, description="images a step")
    decay_every: int = Field(default=30, ge=1, description="epochs after which the learning rate is divided by 10")
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0)
    features_gb: float = Field(
        default=50.0,
        ge=0,
        description="largest file of what the classifier reads of each image, GB, where it is the same in every epoch; "
        "a larger one is not written: the images go through the whole network in every epoch",
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Adaptation":
        """Refuse keys of a training where there is none."""
        unread = [key for key in _OF_TRAINING if key in self.model_fields_set and not self.trains]
        if unread:
            raise ValueError(f"{self.part} trains nothing, so {', '.join(unread)} would say nothing; remove it")
        return self

    @property
    def trains(self) -> bool:
        """Say whether weights are learnt."""
        return self.trained_part is not None

    @property
    def reads_the_same(self) -> bool:
        """Say whether the part that learns reads the same of an image in every epoch."""
        return self.part == "classifier" and self.augmentation == "test"

    @property
    def trained_part(self) -> AdaptedPart | None:
        """Return the part, if its weights are learnt."""
        return next((part for part in ADAPTED_PARTS if part == self.part), None)


def load_adaptations(path: str | Path) -> dict[str, Adaptation]:
    """Return the adaptations of a file by name. Raises FgirError that names the file and key that are wrong."""
    entries: dict[str, Adaptation] = validated(dict[str, Adaptation], read_yaml(path), path)
    raise_all(
        f'{path}: "{name}" cannot name an adaptation, as a part of a path; write up to 40 small letters, digits and _, '
        f"first a letter{', and not none' * (name == _TAKEN)}."
        for name in entries
        if not re.fullmatch(NAME, name) or name == _TAKEN
    )
    return entries


def no_adaptation(name: str, entries: Collection[str], file: str | Path) -> str:
    """Return a sentence about a name that no entry has, with the nearest one that is there."""
    return f'{file} has no adaptation "{name}"{nearest(name, [*entries, _TAKEN])}'
