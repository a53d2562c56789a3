"""Models without numbers: what is left out changes no shape, no refusal and no constant."""

import pytest
import timm
import torch
from backbone_files import model_spec
from torch import nn

from fgir.models.admission import check_size
from fgir.models.shapes import ShapesAlone, Undrawn, on_meta_device
from fgir.models.tags import skeleton
from fgir.utils.errors import FgirError

TAGS = ["test_vit.r160_in1k", "test_resnet.r160_in1k", "test_convnext.r160_in1k", "test_nfnet.r160_in1k"]


@pytest.mark.parametrize("tag", TAGS)
def test_a_model_without_numbers_has_every_tensor_and_rate_of_timms_own(tag: str) -> None:
    whole, bare = (create() for create in (lambda: timm.create_model(tag, drop_path_rate=0.2), lambda: _bare(tag)))

    assert {name: value.shape for name, value in bare.state_dict().items()} == {
        name: value.shape for name, value in whole.state_dict().items()
    }
    assert all(value.is_meta for value in bare.state_dict().values())
    assert str(bare) == str(whole)


def _bare(tag: str) -> nn.Module:
    return on_meta_device(lambda: timm.create_model(tag, drop_path_rate=0.2))


@pytest.mark.parametrize("tag", TAGS)
def test_a_pass_by_shapes_alone_gives_the_shape_and_order_in_memory_of_the_real_one(tag: str) -> None:
    images = torch.zeros(2, 3, 64, 64)
    real = timm.create_model(tag, img_size=64) if "vit" in tag else timm.create_model(tag)
    bare = real.eval().to("meta")

    with torch.no_grad(), ShapesAlone():
        features = bare.forward_features(images.to("meta"))

    with torch.no_grad():
        expected = timm.create_model(tag, **({"img_size": 64} if "vit" in tag else {})).eval().forward_features(images)
    assert features.is_meta
    assert features.shape == expected.shape
    assert features.stride() == expected.stride()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.LayerNorm(8), (2, 5, 7)), (nn.BatchNorm2d(8), (2, 7, 3, 3)), (nn.GroupNorm(2, 8), (2, 6, 3, 3))],
)
def test_a_norm_of_another_width_is_refused_as_ever(layer: nn.Module, shape: tuple[int, ...]) -> None:
    layer = layer.eval().to("meta")

    with ShapesAlone(), pytest.raises(RuntimeError):
        layer(torch.empty(shape, device="meta"))


def test_what_does_not_fit_is_not_added_in_place() -> None:
    table, others = torch.empty(2, 5, device="meta"), torch.empty(2, 4, device="meta")

    with ShapesAlone(), pytest.raises(RuntimeError):
        table.add_(others)


def test_an_undrawn_model_takes_nothing_from_the_generator_and_keeps_its_constants() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()

    with Undrawn():
        model = timm.create_model("test_resnet.r160_in1k")

    assert torch.equal(torch.get_rng_state(), before)
    assert model.conv1[0].weight.eq(0).all()
    assert model.bn1.weight.eq(1).all()
    assert model.bn1.running_mean.eq(0).all()


def test_numbers_that_torch_draws_until_they_are_within_bounds_need_not_be_drawn() -> None:
    with Undrawn():
        weight = nn.init.trunc_normal_(torch.full((8, 8), 100.0), std=0.02)

    assert weight.eq(0).all()


def test_a_size_is_admitted_or_refused_after_few_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    skeleton.cache_clear()  # whatever ran before in this process
    built = []
    create = timm.create_model
    monkeypatch.setattr(
        timm, "create_model", lambda *given, **options: built.append(given) or create(*given, **options)
    )

    check_size(model_spec("test_vit3.r160_in1k", "timm test_vit3.r160_in1k"), 160, dense=True)

    # The pretraining's own, the one that gives a map, and the one that weights are tried on.
    assert len(built) == 3


def test_a_size_that_a_layer_does_not_admit_is_refused_by_shapes_alone() -> None:
    with pytest.raises(FgirError, match="does not admit images of 16 px"):
        check_size(model_spec("vgg11_bn.tv_in1k"), 16, dense=True)
