"""Register with timm the Visual Attention Network (Guo et al. 2022, arXiv 2202.09741), which timm does not have.

Written from its description; the names of its layers are those of the published checkpoints.
"""

from typing import Any

import torch
from timm.layers import LayerNorm2d
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class LargeKernelAttention(nn.Module):
    """Gate a map (B, C, h, w) by a view of 21 x 21 positions: 5 x 5, then 7 x 7 at dilation 3, then 1 x 1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.conv_spatial = nn.Conv2d(width, width, 7, padding=9, groups=width, dilation=3)
        self.conv1 = nn.Conv2d(width, width, 1)

    def forward(self, values: Tensor) -> Tensor:
        return values * self.conv1(self.conv_spatial(self.conv0(values)))


class Attention(nn.Module):
    """Apply 1 x 1, GELU, gate and 1 x 1, beside an inner skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj_1 = nn.Conv2d(width, width, 1)
        self.activation = nn.GELU()
        self.spatial_gating_unit = LargeKernelAttention(width)
        self.proj_2 = nn.Conv2d(width, width, 1)

    def forward(self, values: Tensor) -> Tensor:
        return values + self.proj_2(self.spatial_gating_unit(self.activation(self.proj_1(values))))


class DepthWise(nn.Module):
    """Convolve each channel by 3 x 3."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, values: Tensor) -> Tensor:
        return self.dwconv(values)


class Mlp(nn.Module):
    """Apply 1 x 1, depth-wise 3 x 3, GELU and 1 x 1."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, hidden, 1)
        self.dwconv = DepthWise(hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Conv2d(hidden, width, 1)

    def forward(self, values: Tensor) -> Tensor:
        return self.fc2(self.act(self.dwconv(self.fc1(values))))


class Block(nn.Module):
    """Apply attention, then an MLP, each after a batch norm, scaled, beside a skip."""

    def __init__(self, width: int, ratio: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.BatchNorm2d(width), Attention(width)
        self.norm2, self.mlp = nn.BatchNorm2d(width), Mlp(width, width * ratio)
        self.layer_scale_1 = nn.Parameter(torch.full((width,), 1e-2))
        self.layer_scale_2 = nn.Parameter(torch.full((width,), 1e-2))

    def forward(self, values: Tensor) -> Tensor:
        values = values + self.layer_scale_1.view(-1, 1, 1) * self.attn(self.norm1(values))
        return values + self.layer_scale_2.view(-1, 1, 1) * self.mlp(self.norm2(values))


class PatchEmbedding(nn.Module):
    """Apply an overlapping convolution with stride, then batch norm."""

    def __init__(self, inputs: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, width, kernel, stride, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, values: Tensor) -> Tensor:
        return self.norm(self.proj(values))


class VAN(nn.Module):
    """Apply stages of blocks, each ending in a layer norm over channels; the last map is (B, widths[3], S/32, S/32).

    The class has what the suite asks of timm's models: forward_features, forward_head and reset_classifier.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        depths: tuple[int, ...],
        ratios: tuple[int, ...],
        num_classes: int = 1000,
        in_chans: int = 3,
        global_pool: str = "avg",
        drop_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.stages = len(depths)
        self.num_features = self.head_hidden_size = widths[-1]
        inputs = in_chans
        for stage, (width, depth, ratio) in enumerate(zip(widths, depths, ratios, strict=True), start=1):
            kernel, stride = (7, 4) if stage == 1 else (3, 2)
            setattr(self, f"patch_embed{stage}", PatchEmbedding(inputs, width, kernel, stride))
            setattr(self, f"block{stage}", nn.ModuleList(Block(width, ratio) for _ in range(depth)))
            setattr(self, f"norm{stage}", LayerNorm2d(width, eps=1e-6))
            inputs = width
        self.head_drop = nn.Dropout(drop_rate)
        self.global_pool = global_pool
        self.reset_classifier(num_classes, global_pool)
        self.apply(_initialise)

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Take another number of classes, 0 for none; ``global_pool`` "" leaves the map, "avg" averages positions."""
        self.num_classes = num_classes
        self.global_pool = self.global_pool if global_pool is None else global_pool
        self.head = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the last map (B, D, h, w) of images (B, 3, S, S)."""
        values = images
        for stage in range(1, self.stages + 1):
            values = self._stage(values, stage)
        return values

    def forward_head(self, values: Tensor, pre_logits: bool = False) -> Tensor:
        """Return logits of a map; with ``pre_logits`` the input of the last layer."""
        if self.global_pool:
            values = self.head_drop(values.mean((2, 3)))
        return values if pre_logits else self.head(values)

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))

    def _stage(self, values: Tensor, stage: int) -> Tensor:
        values = getattr(self, f"patch_embed{stage}")(values)
        for block in getattr(self, f"block{stage}"):
            values = block(values)
        return getattr(self, f"norm{stage}")(values)


def _initialise(module: nn.Module) -> None:
    """Draw weights: normal of variance 2 / fan out for convolutions, narrow normal for linear layers; zero biases."""
    if isinstance(module, nn.Conv2d):
        fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=(2 / fan) ** 0.5)
    elif isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


default_cfgs = generate_default_cfgs(
    {
        "van_b3.in1k": {
            "hf_hub_id": "Visual-Attention-Network/VAN-Large-original",
            "hf_hub_filename": "van_large_839.pth.tar",
            "license": "apache-2.0",
            "num_classes": 1000,
            "input_size": (3, 224, 224),
            "pool_size": (7, 7),
            "crop_pct": 0.9,
            "interpolation": "bicubic",
            "mean": _MEAN,
            "std": _STD,
            "first_conv": "patch_embed1.proj",
            "classifier": "head",
        }
    }
)


@register_model
def van_b3(pretrained: bool = False, **options: Any) -> VAN:
    """Return VAN-B3, "VAN-Large": 44.25 M parameters without classifier."""
    model: VAN = build_model_with_cfg(
        VAN,
        "van_b3",
        pretrained,
        widths=(64, 128, 320, 512),
        depths=(3, 5, 27, 3),
        ratios=(8, 8, 4, 4),
        **options,
    )
    return model
