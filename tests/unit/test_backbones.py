"""Any timm model as a feature map and a pooled vector."""

import pytest
import timm
import torch
from backbone_files import model_spec, random_state, write_file
from safetensors.torch import load_file, save_file

from fgir.models.backbones import build_backbone
from fgir.models.shapes import on_meta_device
from fgir.models.tags import check_tag
from fgir.models.weights import RANDOM
from fgir.utils.errors import FgirError


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_dense_models_have_no_parameters_that_the_map_does_not_need():
    vgg, vit = (
        on_meta_device(lambda tag=tag: build_backbone(model_spec(tag), 224, dense=True))
        for tag in ("vgg19_bn.tv_in1k", "vit_base_patch16_224.orig_in21k")
    )

    assert round(sum(parameter.numel() for parameter in vgg.parameters()) / 1e6, 1) == 20.0
    assert "net.cls_token" not in vit.state_dict()
    assert vit.net.pos_embed.shape == (1, 196, 768)


def test_normalisation_is_the_models_own_unless_the_spec_has_another():
    own = model_spec("test_vit.r160_in1k")
    other = own.model_copy(update={"mean": (0.1, 0.2, 0.3), "std": (1.0, 2.0, 3.0)})

    with torch.device("meta"):
        by_model, by_spec = build_backbone(own, 160, dense=False), build_backbone(other, 160, dense=False)

    assert by_model.mean == by_model.std == (0.5, 0.5, 0.5)
    assert by_spec.mean == (0.1, 0.2, 0.3)
    assert by_spec.std == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("tag", ["test_resnet.r160_in1k", "test_vit.r160_in1k", "test_efficientnet.r160_in1k"])
def test_pooled_vector_is_timms_own_input_of_the_classifier(tag, tmp_path):
    weights, label = write_file(tag, random_state(tag), tmp_path)
    model = timm.create_model(tag)
    model.load_state_dict(load_file(weights))
    images = torch.randn(2, 3, 160, 160)

    pooled = build_backbone(model_spec(tag, label), 160, dense=False, weights=weights).eval().pooled(images)

    expected = model.eval().forward_head(model.forward_features(images), pre_logits=True)
    torch.testing.assert_close(pooled, expected)


def test_tokens_become_the_map_row_by_row_without_the_class_token():
    torch.manual_seed(0)
    backbone = build_backbone(model_spec("test_vit.r160_in1k", pool="mean"), 64, dense=False).eval()
    images = torch.randn(2, 3, 64, 64)

    features = backbone(images)

    tokens = backbone.net(images)
    assert tokens.shape[1] == 1 + 16
    for row in range(4):
        for column in range(4):
            torch.testing.assert_close(features[:, :, row, column], tokens[:, 1 + 4 * row + column])


def test_beit_attends_to_its_class_token_and_leaves_it_out_of_the_map():
    torch.manual_seed(0)
    backbone = build_backbone(model_spec("beit_base_patch16_224.in22k_ft_in22k"), 32, dense=True).eval()
    images = torch.randn(1, 3, 32, 32)

    features = backbone(images)
    with torch.no_grad():
        backbone.net.cls_token += 10
    moved = backbone(images)

    assert features.shape == (1, 768, 2, 2)
    assert not torch.equal(features, moved)


def test_swin_map_has_channels_first():
    torch.manual_seed(0)
    backbone = build_backbone(model_spec("swin_tiny_patch4_window7_224.ms_in1k"), 96, dense=True).eval()
    images = torch.randn(1, 3, 96, 96)

    features = backbone(images)

    assert features.shape == (1, 768, 3, 3)
    torch.testing.assert_close(features, backbone.net.forward_features(images).movedim(3, 1))


def test_convnext_map_is_normalised_at_every_position():
    torch.manual_seed(0)
    backbone = build_backbone(model_spec("test_convnext.r160_in1k"), 64, dense=True).eval()

    features = backbone(torch.randn(2, 3, 64, 64))

    mean, deviation = features.mean(1), features.std(1, correction=0)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-6, rtol=0)  # sums of 64 float32 numbers
    torch.testing.assert_close(deviation, torch.ones_like(deviation), atol=1e-3, rtol=0)  # the norm adds an epsilon


def test_channels_last_gives_the_same_map():
    torch.manual_seed(0)
    backbone = build_backbone(model_spec("test_resnet.r160_in1k"), 64, dense=True).eval()
    images = torch.randn(2, 3, 64, 64)

    features = backbone(images)
    again = backbone.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))

    torch.testing.assert_close(again, features, atol=1e-5, rtol=1e-4)  # convolutions sum in another order


def test_spec_chooses_the_pooling():
    torch.manual_seed(0)
    backbone = build_backbone(model_spec("test_vit.r160_in1k", pool="mean"), 64, dense=False).eval()
    images = torch.randn(2, 3, 64, 64)

    torch.testing.assert_close(backbone.pooled(images), backbone(images).mean((2, 3)))


def test_a_class_token_that_does_not_exist_is_refused():
    with pytest.raises(FgirError, match=r"test_resnet.r160_in1k has no class token; set pool: mean"):
        build_backbone(model_spec("test_resnet.r160_in1k", pool="token"), 64, dense=False)


def test_unknown_tag_names_the_nearest():
    with pytest.raises(FgirError, match=r'timm has no model "resnet101.a1_in"; did you mean "resnet101.a1_in1k"'):
        build_backbone(model_spec("resnet101.a1_in"), 224, dense=True)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("resnet18", r'timm has more than one set of weights for "resnet18"; name one of .*resnet18\.tv_in1k'),
        ("resnet50", r'for "resnet50"; name one of resnet50\.a1_in1k \(timm\'s own choice\) or of \d+ others'),
        ("tv_resnet50", r'timm has renamed "tv_resnet50" to "resnet50\.tv_in1k"; write that\.'),
        ("convnext_base_in22k", r'timm has renamed "convnext_base_in22k" to "convnext_base\.fb_in22k"; write that\.'),
        ("beitv2_base_patch16_224_in22k", r'did you mean "beitv2_base_patch16_224\.in1k_ft_in22k"\?'),
        ("vit_base_patch16_224.in21k", r'did you mean "vit_base_patch16_224\.\w*in21k"\?'),
        ("my_own_network", r'timm has no model "my_own_network"; timm.list_models\(\) lists them'),
    ],
)
def test_a_name_that_is_no_tag_is_refused_with_what_is_near_in_meaning(name, sentence):
    with pytest.raises(FgirError, match=sentence):
        check_tag(name)


def test_size_that_cuts_a_patch_is_refused_with_the_nearest_that_does_not():
    with pytest.raises(FgirError, match=r"does not admit images of 150 px.*patches of 16 px; take 144"):
        build_backbone(model_spec("test_vit.r160_in1k"), 150, dense=False)


def test_size_that_leaves_no_map_is_refused():
    with pytest.raises(FgirError, match=r"vgg19_bn.tv_in1k does not admit images of 16 px"):
        build_backbone(model_spec("vgg19_bn.tv_in1k"), 16, dense=True)


def test_weights_load_into_another_size_with_resized_positions(tmp_path):
    tag = "test_vit.r160_in1k"
    state = random_state(tag)
    weights, label = write_file(tag, state, tmp_path)

    net = build_backbone(model_spec(tag, label), 96, dense=False, weights=weights).net

    expected = timm.layers.resample_abs_pos_embed(state["pos_embed"], [6, 6], num_prefix_tokens=1)
    torch.testing.assert_close(net.pos_embed.detach(), expected)
    torch.testing.assert_close(net.blocks[1].mlp.fc1.weight.detach(), state["blocks.1.mlp.fc1.weight"])


@pytest.mark.parametrize("size", [160, 96])
def test_weights_load_without_their_class_token(size, tmp_path):
    tag = "test_vit.r160_in1k"
    state = random_state(tag)
    weights, label = write_file(tag, state, tmp_path)

    net = build_backbone(model_spec(tag, label), size, dense=True, weights=weights).net

    side = size // 16
    expected = timm.layers.resample_abs_pos_embed(state["pos_embed"][:, 1:], [side, side], num_prefix_tokens=0)
    torch.testing.assert_close(net.pos_embed.detach(), expected)
    torch.testing.assert_close(net.norm.weight.detach(), state["norm.weight"])


def test_weights_load_into_another_window(tmp_path):
    tag = "swin_tiny_patch4_window7_224.ms_in1k"
    state = random_state(tag)
    weights, label = write_file(tag, state, tmp_path)

    backbone = build_backbone(model_spec(tag, label), 64, dense=True, weights=weights).eval()

    table = backbone.net.state_dict()["layers.3.blocks.0.attn.relative_position_bias_table"]
    assert table.shape == (3 * 3, 24)  # a window of 2 x 2 in place of 7 x 7
    torch.testing.assert_close(table[4], state["layers.3.blocks.0.attn.relative_position_bias_table"][84])
    torch.testing.assert_close(backbone.net.norm.weight.detach(), state["norm.weight"])


def test_norm_that_was_pretrained_after_pooling_keeps_its_weights(tmp_path):
    tag = "test_vit2.r160_in1k"
    state = random_state(tag)
    weights, label = write_file(tag, state, tmp_path)

    backbone = build_backbone(model_spec(tag, label), 160, dense=True, weights=weights).eval()
    features = backbone(torch.randn(1, 3, 160, 160))

    plain = (features - state["fc_norm.bias"][:, None, None]) / state["fc_norm.weight"][:, None, None]
    mean = plain.mean(1)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-4, rtol=0)  # undoing the norm loses digits


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda state: state.pop("conv1.0.weight"), "conv1.0.weight is missing"),
        (lambda state: state.update(surplus=torch.zeros(1)), "surplus is unknown"),
        (lambda state: state.update({"conv1.0.weight": torch.zeros(1)}), r"conv1.0.weight is \(1,\) and should be"),
    ],
)
def test_file_that_does_not_fit_the_model_is_refused(change, complaint, tmp_path):
    tag = "test_resnet.r160_in1k"
    weights, label = write_file(tag, random_state(tag), tmp_path)
    state = load_file(weights)
    change(state)
    save_file(state, weights, {"fgir": f'{{"source": "{label}"}}'})

    with pytest.raises(FgirError, match=complaint):
        build_backbone(model_spec(tag, label), 64, dense=False, weights=weights)


def test_trained_tensors_of_another_size_are_resized_and_others_refused():
    torch.manual_seed(0)
    small = build_backbone(model_spec("test_vit.r160_in1k"), 64, dense=True)
    large = build_backbone(model_spec("test_vit.r160_in1k"), 96, dense=True)
    state = small.net.state_dict()

    large.load(state, "run")

    expected = timm.layers.resample_abs_pos_embed(state["pos_embed"], [6, 6], num_prefix_tokens=0)
    torch.testing.assert_close(large.net.pos_embed.detach(), expected)
    with pytest.raises(FgirError, match=r"run does not fit test_vit.r160_in1k: norm.bias is missing"):
        large.load({name: state[name] for name in state if name != "norm.bias"}, "run")


def test_pretrained_weights_that_are_not_given_are_never_replaced_by_random_ones():
    with pytest.raises(FgirError, match=r'Backbone "net" has the weights timm test_vit.r160_in1k; name the file'):
        build_backbone(model_spec("test_vit.r160_in1k", "timm test_vit.r160_in1k"), 64, dense=False)


def test_random_initialisation_follows_the_seed():
    spec = model_spec("test_vit.r160_in1k", RANDOM)

    def weight(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return build_backbone(spec, 64, dense=False).net.blocks[0].mlp.fc1.weight

    assert torch.equal(weight(1), weight(1))
    assert not torch.equal(weight(1), weight(2))
