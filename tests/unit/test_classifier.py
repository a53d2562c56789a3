"""The linear head on a backbone, frozen or not; and the models of every regime."""

import pytest
import torch
from backbone_files import model_spec
from safetensors.torch import save_file

from fgir.methods.build import build_model, load_model
from fgir.models.cal import CAL
from fgir.models.classifier import Classifier
from fgir.specs import Network
from fgir.study import CalOptions
from fgir.utils.errors import FgirError

NET = model_spec("test_resnet.r160_in1k")
VIT = model_spec("test_vit.r160_in1k")


def statistics(model: Classifier) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.backbone.named_buffers() if "running" in name}


def step(model: Classifier) -> None:
    images = torch.randn(4, 3, 64, 64)
    torch.nn.functional.cross_entropy(model(images), torch.tensor([0, 1, 2, 0])).backward()


@pytest.mark.parametrize("batch_norm", ["eval", "train"])
def test_frozen_trains_the_head_alone(batch_norm):
    torch.manual_seed(0)
    model = build_model(Network(NET, "frozen", 3, 64), None)
    model.backbone.freeze(batch_norm)
    model.train()

    step(model)

    assert [name for name, parameter in model.named_parameters() if parameter.requires_grad] == [
        "head.weight",
        "head.bias",
    ]
    assert all(parameter.grad is None for parameter in model.backbone.parameters())
    assert model.head.weight.grad.abs().sum() > 0


def test_frozen_in_eval_leaves_batch_norm_alone_and_gives_the_features_of_inference():
    torch.manual_seed(0)
    model = build_model(Network(NET, "frozen", 3, 64), None)
    model.backbone.freeze("eval")
    model.train()
    images, before = torch.randn(4, 3, 64, 64), statistics(model)

    training = model(images)

    assert model.training
    assert model.head.training
    torch.testing.assert_close(statistics(model), before, rtol=0, atol=0)
    torch.testing.assert_close(training, model.eval()(images), rtol=0, atol=0)


def test_frozen_in_train_moves_the_statistics_of_batch_norm():
    torch.manual_seed(0)
    model = build_model(Network(NET, "frozen", 3, 64), None)
    model.backbone.freeze("train")
    model.train()
    before = statistics(model)

    step(model)

    after = statistics(model)
    assert all(not torch.equal(before[name], after[name]) for name in before)


def test_finetuned_trains_everything():
    torch.manual_seed(0)
    model = build_model(Network(NET, "finetuned", 3, 64), None).train()

    step(model)

    assert all(parameter.grad is not None for parameter in model.parameters())


def test_logits_are_those_of_the_head_on_the_pooled_vector():
    torch.manual_seed(0)
    model = build_model(Network(VIT, "finetuned", 5, 64), None).eval()
    images = torch.randn(2, 3, 64, 64)

    logits = model(images)

    assert logits.shape == (2, 5)
    torch.testing.assert_close(logits, model.head(model.backbone.pooled(images)))


@pytest.mark.parametrize("regime", ["cal", "calmix"])
def test_attention_regimes_pool_over_the_dense_map(regime):
    options = CalOptions(attention_maps=4, mask_interpolation="bilinear", centre_momentum=0.2)

    model = build_model(Network(VIT, regime, 5, 64, options), None)

    assert isinstance(model, CAL)
    assert model.centre.shape == (5, 4 * model.backbone.width)
    assert model.mask_interpolation == "bilinear"
    assert model.centre_momentum == 0.2
    assert model.backbone.net.cls_token is None


def test_same_seed_gives_the_same_model():
    def state() -> dict[str, torch.Tensor]:
        torch.manual_seed(3)
        return build_model(Network(VIT, "cal", 5, 64), None).state_dict()

    torch.testing.assert_close(state(), state(), rtol=0, atol=0)


@pytest.mark.parametrize("regime", ["finetuned", "cal"])
def test_trained_model_is_read_back_bit_by_bit(regime, tmp_path):
    torch.manual_seed(0)
    trained = build_model(Network(VIT, regime, 5, 64), None).eval()
    save_file(trained.state_dict(), tmp_path / "model.safetensors")

    read = load_model(Network(VIT, regime, 5, 64), tmp_path / "model.safetensors")

    torch.testing.assert_close(read.state_dict(), trained.state_dict(), rtol=0, atol=0)


def test_trained_model_is_read_for_another_image_size(tmp_path):
    torch.manual_seed(0)
    trained = build_model(Network(VIT, "cal", 5, 64), None).eval()
    save_file(trained.state_dict(), tmp_path / "model.safetensors")

    read = load_model(Network(VIT, "cal", 5, 96), tmp_path / "model.safetensors").eval()

    torch.testing.assert_close(read.classifier.weight, trained.classifier.weight, rtol=0, atol=0)
    assert read.backbone.net.pos_embed.shape == (1, 36, 64)
    assert read(torch.randn(1, 3, 96, 96)).shape == (1, 5)


def test_trained_model_with_another_head_is_refused(tmp_path):
    trained = build_model(Network(VIT, "finetuned", 5, 64), None)
    save_file(trained.state_dict(), tmp_path / "model.safetensors")

    with pytest.raises(FgirError, match=r"model.safetensors does not fit the model .*size mismatch for head.weight"):
        load_model(Network(VIT, "finetuned", 6, 64), tmp_path / "model.safetensors")
