"""Define the network of CAL (counterfactual attention learning: Rao et al., ICCV 2021, arXiv 2108.08728) and CALMix."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fgir.distributed import world
from fgir.models import regions
from fgir.utils.errors import FgirError, nearest

# Training thresholds, drawn for every image uniformly between the two; the crop alone is padded.
CROP_THRESHOLDS, CROP_PADDING = (0.4, 0.6), 0.1
DROP_THRESHOLDS = (0.2, 0.5)
SWAP_THRESHOLDS = (0.6, 0.8)

# Pooled features have unit length; the classifier sees them this much larger, or its softmax would be flat.
SCALE = 100.0


class Look(NamedTuple):
    """Hold the result of one training pass of the encoder over B images."""

    maps: Tensor  # (B, M, h, w)
    pooled: Tensor  # (B, M * D), unit length
    logits: Tensor  # (B, classes)
    effect: Tensor  # (B, classes): logits less those of random attention


class CAL(nn.Module):
    """Pool a backbone's feature map by ``maps`` attention maps, and classify the result.

    ``backbone`` turns images (B, 3, S, S) into a feature map (B, ``width``, h, w). The buffer ``centre``
    (classes, maps * width) is the running mean feature of each class, to which training draws the images.
    Raises FgirError for a ``mask_interpolation`` other than ``bicubic`` and ``bilinear``.
    """

    centre: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        width: int,
        classes: int,
        maps: int = 32,
        mask_interpolation: str = "bicubic",
        centre_momentum: float = 0.05,
    ) -> None:
        super().__init__()
        if mask_interpolation not in regions.ALIGNED_CORNERS:
            hint = nearest(mask_interpolation, regions.ALIGNED_CORNERS)
            raise FgirError(f'mask_interpolation "{mask_interpolation}" is unknown{hint}')
        self.backbone = backbone
        self.attention = nn.Sequential(
            nn.Conv2d(width, maps, kernel_size=1, bias=False), nn.BatchNorm2d(maps, eps=1e-3), nn.ReLU()
        )
        self.classifier = nn.Linear(maps * width, classes, bias=False)
        self.mask_interpolation = mask_interpolation
        self.centre_momentum = centre_momentum
        self.register_buffer("centre", torch.zeros(classes, maps * width, dtype=torch.float32))

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 logits (B, classes) of one view of images (B, 3, S, S), without the counterfactual branch."""
        return self.attend(images)[1]

    def attend(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return attention maps (B, M, h, w) and float32 logits (B, classes) of images (B, 3, S, S)."""
        features = self.backbone(images)
        maps = self.attention(features)
        return maps, self.classify(pool(maps, features))

    def losses(self, images: Tensor, labels: Tensor, swap: bool = False) -> tuple[Tensor, Tensor]:
        """Return the loss of a step of CAL, or with ``swap`` of CALMix, and logits (B, classes) for its accuracy.

        ``images`` is (B, 3, S, S) and ``labels`` (B,); for CALMix neighbours 0-1, 2-3, ... share a class. The mean
        cross-entropies of whole images, regions and effects weigh 1/3, k/3 and (k + 1)/3, with k regions an image: 2,
        or 3 with ``swap``. Draws from torch's global generator of the device, and moves ``centre``. Each of the
        processes that train together passes its part of the batch; the draws and the centre are the whole batch's.
        """
        whole = self._look(images)
        closer = self.sample_regions(images, whole.maps.detach(), swap)
        kinds = len(closer) // len(images)
        parts = self._look(closer, kinds)
        effects = torch.cat((whole.effect, parts.effect))
        centre = F.normalize(self.centre[labels])
        loss = (
            F.cross_entropy(whole.logits, labels) / 3
            + F.cross_entropy(parts.logits, labels.repeat(kinds)) * kinds / 3
            + F.cross_entropy(effects, labels.repeat(kinds + 1)) * (kinds + 1) / 3
            + (whole.pooled - centre).square().sum() / len(images)
        )
        self._move_centre(whole.pooled.detach() - centre, labels)
        crops = parts.logits[: len(images)]
        return loss, (whole.logits + crops).detach() / 2

    @torch.no_grad()
    def sample_regions(self, images: Tensor, maps: Tensor, swap: bool) -> Tensor:
        """Return crops, then swaps if asked for, then drops of images (B, 3, S, S): (2B or 3B, 3, S, S).

        Each kind follows a map of its own, drawn from maps (B, M, h, w) for every image.
        """
        size = images.shape[2:]
        chosen = choose(maps, 3 if swap else 2)

        def masks(kind: int, thresholds: tuple[float, float]) -> Tensor:
            threshold = torch.empty(world.size() * len(images), device=images.device).uniform_(*thresholds)
            return regions.masks(chosen[:, kind], world.own_part(threshold), size, self.mask_interpolation)

        crops = regions.crop(images, regions.boxes(masks(0, CROP_THRESHOLDS), CROP_PADDING))
        drops = regions.drop(images, masks(1, DROP_THRESHOLDS))
        if not swap:
            return torch.cat((crops, drops))
        swaps = regions.swap(images, regions.boxes(masks(2, SWAP_THRESHOLDS), padding=0))
        return torch.cat((crops, swaps, drops))

    def _look(self, images: Tensor, kinds: int = 1) -> Look:
        features = self.backbone(images)
        maps = self.attention(features)
        pooled = pool(maps, features)
        logits = self.classify(pooled)
        random = world.own_part(world.whole_like(maps).uniform_(0, 2), kinds)
        return Look(maps, pooled, logits, logits - self.classify(pool(random, features)))

    def features(self, images: Tensor) -> Tensor:
        """Return what the classifier reads: pooled features (B, M * D) of images (B, 3, S, S)."""
        features = self.backbone(images)
        return pool(self.attention(features), features)

    def classify(self, pooled: Tensor) -> Tensor:
        """Return float32 logits (B, classes) of pooled features (B, M * D)."""
        # In float32, so that an effect is not the small difference of two numbers rounded to half precision.
        with torch.autocast(pooled.device.type, enabled=False):
            logits: Tensor = self.classifier(SCALE * pooled)
        return logits

    @torch.no_grad()
    def _move_centre(self, offset: Tensor, labels: Tensor) -> None:
        """Move each class's centre by momentum x the mean offset (B, M * D) of its images in the batch.

        The reference moves it by the offset of whichever image is written last, which is undefined on a GPU.
        """
        offset, labels = world.gathered(offset), world.gathered(labels)
        same = labels[:, None] == labels
        shares = same / same.sum(1, keepdim=True)
        with torch.autocast(offset.device.type, enabled=False):
            mean = shares @ offset
        # All images of a class write the row of the first of them: the same bits, whatever the order.
        moved = (self.centre[labels] + self.centre_momentum * mean)[same.int().argmax(1)]
        self.centre.index_copy_(0, labels, moved)


def pool(maps: Tensor, features: Tensor) -> Tensor:
    """Return bilinear attention pooling of features (B, D, h, w) by maps (B, M, h, w): (B, M * D) of unit length.

    Takes the mean over positions of each product of a map and a feature, its signed square root, then divides by the
    L2 norm. Always in float32, as sums and roots of small numbers do not survive half precision.
    """
    with torch.autocast(features.device.type, enabled=False):
        left, right = maps.float().flatten(2), features.float().flatten(2)
        product = (left @ right.transpose(1, 2)).flatten(1) / left.shape[2]
        return F.normalize(product.sign() * (product.abs() + 1e-6).sqrt())


def choose(maps: Tensor, count: int) -> Tensor:
    """Draw ``count`` of the maps (B, M, h, w) of every image, with replacement: (B, count, h, w).

    The chance of a map is proportional to the square root of its sum. The largest of weight / exponential draw
    has that chance, as in ``torch.multinomial``, which stops a GPU's program at a NaN.
    """
    weights = (maps.float().sum((2, 3)) + 1e-6).sqrt()
    draws = torch.empty(world.size() * len(maps), count, maps.shape[1], device=maps.device).exponential_()
    picks = (weights.unsqueeze(1) / world.own_part(draws)).argmax(2)
    return maps.take_along_dim(picks[:, :, None, None], dim=1)
