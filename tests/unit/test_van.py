"""VAN-B3: its size, its map, the published names of its layers, through timm and through the suite."""

from pathlib import Path

import timm
import torch

from fgir.methods.build import build_model
from fgir.models.tags import skeleton
from fgir.models.weights import write_weights
from fgir.specs import ModelSpec, Network, WeightsSpec
from fgir.study.catalogue import FileWeights


def small(**options: object) -> torch.nn.Module:
    """The same network, narrow and shallow."""
    torch.manual_seed(0)
    skeleton("van_b3.in1k")
    shape = {"widths": (8, 8, 16, 16), "depths": (1, 1, 2, 1), "ratios": (2, 2, 2, 2)}
    return type(skeleton("van_b3.in1k"))(**shape, **options)


def test_it_has_the_published_number_of_parameters_and_map() -> None:
    net = skeleton("van_b3.in1k")

    backbone = sum(p.numel() for name, p in net.named_parameters() if not name.startswith("head."))

    assert round(backbone / 1e6, 2) == 44.25
    with torch.no_grad():
        assert net.forward_features(torch.empty(1, 3, 224, 224, device="meta")).shape == (1, 512, 7, 7)


def test_its_layers_have_the_names_of_the_published_checkpoint() -> None:
    names = skeleton("van_b3.in1k").state_dict().keys()

    assert {
        "patch_embed1.proj.weight",
        "patch_embed4.norm.running_mean",
        "block3.26.norm1.weight",
        "block1.0.attn.proj_1.weight",
        "block1.0.attn.spatial_gating_unit.conv0.weight",
        "block1.0.attn.spatial_gating_unit.conv_spatial.weight",
        "block1.0.attn.spatial_gating_unit.conv1.bias",
        "block1.0.attn.proj_2.weight",
        "block2.4.layer_scale_1",
        "block2.4.mlp.fc1.weight",
        "block2.4.mlp.dwconv.dwconv.weight",
        "block2.4.mlp.fc2.bias",
        "norm4.weight",
        "head.weight",
    } <= names


def test_attention_reaches_as_far_as_published() -> None:
    gate = small().block1[0].attn.spatial_gating_unit  # type: ignore[union-attr, index]
    image = torch.zeros(1, 8, 41, 41, requires_grad=True)

    gate(image + 1)[0, 0, 20, 20].backward()

    assert image.grad is not None
    reach = image.grad[0].abs().sum(0).nonzero()
    # 5 x 5, then 7 x 7 at dilation 3: 4 + 18 positions beside the middle.
    assert (reach.min(0).values.tolist(), reach.max(0).values.tolist()) == ([9, 9], [31, 31])


def test_a_published_checkpoint_goes_through_the_suite(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published = timm.create_model("van_b3.in1k")
    torch.save({"state_dict": published.state_dict()}, tmp_path / "van_large_839.pth.tar")
    file = FileWeights(source="file", path=str(tmp_path / "van_large_839.pth.tar"))
    spec = WeightsSpec(recipe=1, backbone="van_b3", timm="van_b3.in1k", weights=file, archives=str(tmp_path))

    write_weights(spec, tmp_path / "van_b3.safetensors")

    model = ModelSpec(
        backbone="van_b3", timm="van_b3.in1k", pool=None, mean=None, std=None, weights=f"file {file.path}"
    )
    built = build_model(Network(model, "cal", 3, 96), tmp_path / "van_b3.safetensors").eval()
    images = torch.rand(1, 3, 96, 96)
    with torch.no_grad():
        ours = built.backbone(images)
        theirs = published.eval().forward_features(images)
    # The same operations on the same numbers.
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
