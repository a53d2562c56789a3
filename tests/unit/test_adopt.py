"""Pretrained weights with their own classifier, as a run of which nothing is trained."""

from pathlib import Path

import matplotlib
import pytest
import skimage
import sklearn
import timm
import torch
from backbone_files import model_spec
from PIL import Image
from safetensors.torch import save_file
from timm.data import ImageNetInfo

from fgir.data.loader import normalise
from fgir.data.transforms import Pipeline
from fgir.methods.build import load_model
from fgir.models.weights import write_weights
from fgir.results.parquet import read_row, write_rows
from fgir.specs import AdoptSpec, ModelSpec, WeightsSpec
from fgir.study.catalogue import FileWeights, load_backbones
from fgir.study.geometry import geometry_of, resized_side
from fgir.training.adopt import adopt
from fgir.utils.errors import FgirError

REPOSITORY = Path(__file__).parents[2]
LABELS = ImageNetInfo().label_names()
# Photographs that packages bundle, labelled by hand: what anyone would say is in them.
_SKIMAGE, _SKLEARN = Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets/images"
PHOTOGRAPHS = {
    _SKIMAGE / "chelsea.png": {"n02123045", "n02123159", "n02124075"},  # a cat: tabby, tiger, Egyptian
    _SKIMAGE / "coffee.png": {"n07920052", "n07930864"},  # espresso, cup
    _SKIMAGE / "rocket.jpg": {"n04008634", "n03773504"},  # projectile, missile
    _SKIMAGE / "motorcycle_left.png": {"n03785016", "n03791053", "n03208938"},  # moped, scooter, its disc brake
    _SKIMAGE / "motorcycle_right.png": {"n03785016", "n03791053", "n03208938"},
    _SKIMAGE / "page.png": {"n06359193", "n07565083", "n02840245", "n03598930"},  # a printed page
    _SKLEARN / "china.jpg": {"n03877845", "n03788195", "n03781244", "n02859443"},  # a palace at a lake
    Path(matplotlib.get_data_path()) / "sample_data/grace_hopper.jpg": {"n03763968"},  # a military uniform
}


def spec(model: ModelSpec, classes: int, size: int) -> AdoptSpec:
    named = {"recipe": 1, "dataset": "photographs", "regime": "pretrained", "seed": 1}
    return AdoptSpec(**named, classes=classes, model=model, train_size=size)


def write_manifest(names: list[str], out: Path) -> Path:
    rows = [{"image": n, "path": f"{name}.png", "label": n, "class_name": name} for n, name in enumerate(names)]
    write_rows("manifest", rows, out)
    return out


def own_weights(tag: str, folder: Path, classes: int = 1000) -> tuple[Path, torch.nn.Module]:
    """Weights of a timm model with a classifier, random but the same on each side, brought into the suite's file."""
    torch.manual_seed(0)
    net = timm.create_model(tag, num_classes=classes).eval()
    save_file(net.state_dict(), folder / "own.safetensors")
    weights = FileWeights(source="file", path=str(folder / "own.safetensors"))
    asked = WeightsSpec(recipe=1, backbone="net", timm=tag, weights=weights, archives=str(folder))
    write_weights(asked, folder / "weights.safetensors")
    return folder / "weights.safetensors", net


@pytest.mark.parametrize("tag", ["test_resnet.r160_in1k", "test_vit.r160_in1k", "test_convnext.r160_in1k"])
def test_the_logits_are_those_of_the_model_of_timm_for_the_classes_of_the_dataset(tag: str, tmp_path: Path) -> None:
    weights, net = own_weights(tag, tmp_path)
    names = [LABELS[place] for place in (5, 0, 999)]
    # A pool of the catalogue is for other heads: the weights' own classifier is on timm's vector.
    model = model_spec(tag, pool="mean").model_copy(update={"weights": f"file {tmp_path}/own.safetensors"})
    asked = spec(model, 3, 160)
    images = torch.randn(2, 3, 160, 160)

    adopt(asked, write_manifest(names, tmp_path / "manifest.parquet"), weights, tmp_path / "run")

    adopted = load_model(asked.network, tmp_path / "run/model.safetensors").eval()
    with torch.inference_mode():
        # The same operations in the same order, but for the rows of the last matrix.
        torch.testing.assert_close(adopted(images), net(images)[:, [5, 0, 999]], atol=1e-5, rtol=1e-4)
    row = read_row("train", tmp_path / "run/train.parquet")
    assert (row["status"], row["epochs"], row["images"], row["trainable"]) == ("ok", 0, 0, 0)


def test_a_dataset_of_other_classes_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    weights, _ = own_weights("test_resnet.r160_in1k", tmp_path)
    model = model_spec("test_resnet.r160_in1k").model_copy(update={"weights": f"file {tmp_path}/own.safetensors"})
    manifest = write_manifest([LABELS[0], "sparrow"], tmp_path / "manifest.parquet")

    with pytest.raises(
        FgirError, match=r"1 class of the dataset, such as sparrow, is none of the weights of test_resn"
    ):
        adopt(spec(model, 2, 160), manifest, weights, tmp_path / "run")

    assert not (tmp_path / "run").exists()


def test_weights_whose_classes_timm_does_not_know_are_refused(tmp_path: Path) -> None:
    weights, _ = own_weights("test_resnet.r160_in1k", tmp_path, classes=7)
    model = model_spec("test_resnet.r160_in1k").model_copy(update={"weights": f"file {tmp_path}/own.safetensors"})
    manifest = write_manifest(LABELS[:2], tmp_path / "manifest.parquet")

    with pytest.raises(FgirError, match=r"timm does not say which 7 classes the weights of test_resnet.r160_in1k know"):
        adopt(spec(model, 2, 160), manifest, weights, tmp_path / "run")


@pytest.mark.parametrize("size", [160, 224, 288])
def test_the_real_weights_name_photographs_at_several_sizes(
    size: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    entry = load_backbones(REPOSITORY / "config/backbones.yaml")["tf_efficientnet_lite0"]
    weights = tmp_path / "lite.safetensors"
    archives = str(REPOSITORY / "data")
    write_weights(
        WeightsSpec(recipe=1, backbone="lite", timm=entry.timm, weights=entry.weights, archives=archives), weights
    )
    label = f"package {entry.weights.package.name} {entry.weights.package.version}"
    asked = spec(ModelSpec(backbone="lite", timm=entry.timm, pool=None, mean=None, std=None, weights=label), 1000, size)
    adopt(asked, write_manifest(LABELS, tmp_path / "manifest.parquet"), weights, tmp_path / "run")
    model = load_model(asked.network, tmp_path / "run/model.safetensors").eval()
    transform = Pipeline(geometry_of(size, resized_side(size)).test)
    images = [torch.from_numpy(transform(Image.open(path).convert("RGB")).copy()) for path in PHOTOGRAPHS]

    with torch.inference_mode():
        batch = torch.stack(images).permute(0, 3, 1, 2)
        logits = model(normalise(batch, model.backbone.mean, model.backbone.std, torch.device("cpu")))

    guesses = [{LABELS[place] for place in places} for places in logits.topk(5).indices.tolist()]
    right = [bool(guess & labels) for guess, labels in zip(guesses, PHOTOGRAPHS.values(), strict=True)]
    assert sum(right) >= 7
