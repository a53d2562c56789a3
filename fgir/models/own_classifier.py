"""Find the rows of pretrained weights' own classifier that stand for the classes of a dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from timm.data import ImageNetInfo, infer_imagenet_subset
from torch import Tensor, nn

from fgir.models.tags import is_classifier, name_of, settings, skeleton
from fgir.utils.errors import FgirError
from fgir.utils.words import counted


class Rows(NamedTuple):
    """Hold a linear classifier: weight (classes, D) and bias (classes,)."""

    weight: Tensor
    bias: Tensor


def own_classifier(tag: str, weights: Path, names: Sequence[str]) -> Rows:
    """Return the rows of the classifier in a file of ``write_weights`` for classes named by their ImageNet synsets.

    Of a dataset with some of the classes that the weights know, these compete alone, as in ImageNet-A and -R. Raises
    FgirError where the file has no linear classifier, the weights' classes have no synsets, or they lack a class.
    """
    meta_model = skeleton(tag)
    with safe_open(weights, framework="pt") as file:
        named = sorted(name for name in file.keys() if is_classifier(name, meta_model))  # noqa: SIM118
        tensors = {name.rpartition(".")[2]: file.get_tensor(name) for name in named}
    if not named or len(named) != len(tensors) or "weight" not in tensors:
        raise FgirError(f"{weights} has no single classifier, so {tag} cannot be evaluated as pretrained; train it.")
    weight = tensors["weight"].flatten(1)
    bias = tensors.get("bias", torch.zeros(len(weight)))
    rows = torch.tensor(_places(meta_model, len(weight), names))
    return Rows(weight[rows], bias[rows])


def knows_its_classes(tag: str) -> bool:
    """Say whether timm's weights of a tag have a classifier of classes that it knows by their synsets."""
    return infer_imagenet_subset({"num_classes": settings(skeleton(tag))["num_classes"]}) is not None


def _places(meta_model: nn.Module, classes: int, names: Sequence[str]) -> list[int]:
    """Return for each name the class of the weights that it stands for."""
    subset = infer_imagenet_subset({"num_classes": classes})
    tag = name_of(meta_model)
    if subset is None:
        raise FgirError(f"timm does not say which {classes} classes the weights of {tag} know; train a classifier.")
    places = {label: place for place, label in enumerate(ImageNetInfo(subset).label_names())}
    unknown = [name for name in names if name not in places]
    if unknown:
        raise FgirError(
            f"{counted(len(unknown), 'class')} of the dataset, such as {unknown[0]}, "
            f"{'is' if len(unknown) == 1 else 'are'} none of the weights of {tag}, whose classes have the names of "
            f"ImageNet's synsets (such as {next(iter(places))}); leave the setting pretrained out."
        )
    return [places[name] for name in names]
