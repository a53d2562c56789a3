"""Regions of a whole batch against a loop over its images: time, and host round trips, of a CAL step.

The loop is written as the method is usually coded: per image, a NumPy draw of the maps, a Python draw of the
threshold, ``nonzero`` and four ``.item()`` for a box, a resize of the slice. Both do the same work on the same
network; their repeats alternate, so that a busy machine slows both. Weights are random: speed needs no others.
"""

import argparse
import copy
import platform
import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import timm
import torch
from rich.progress import track
from roundtrips import HostRoundTrips
from torch import Tensor, nn
from torch.nn import functional as F

from fgir.models import regions
from fgir.models.cal import CAL, CROP_PADDING, CROP_THRESHOLDS, DROP_THRESHOLDS, SWAP_THRESHOLDS


class LoopCAL(CAL):
    """CAL whose regions are made image by image."""

    @torch.no_grad()
    def sample_regions(self, images: Tensor, maps: Tensor, swap: bool) -> Tensor:
        crops, drops, boxes = [], [], []
        for image, attention in zip(images, maps, strict=True):
            weights = F.normalize(torch.sqrt(attention.sum((1, 2)) + 1e-6), p=1, dim=0).cpu().double().numpy()
            chosen = attention[np.random.choice(len(weights), 3, p=weights / weights.sum())]
            crops.append(loop_crop(image, self._box(chosen[0], CROP_THRESHOLDS, image, CROP_PADDING)))
            drops.append(image * ~loop_mask(chosen[1], DROP_THRESHOLDS, image, self.mask_interpolation))
            if swap:
                boxes.append(self._box(chosen[2], SWAP_THRESHOLDS, image, 0))
        swaps = [loop_swap(images, boxes)] if swap else []
        return torch.cat((torch.stack(crops), *swaps, torch.stack(drops)))

    def _box(self, attention: Tensor, bounds: tuple[float, float], image: Tensor, padding: float) -> list[int]:
        return loop_box(loop_mask(attention, bounds, image, self.mask_interpolation), padding)


def loop_mask(attention: Tensor, bounds: tuple[float, float], image: Tensor, interpolation: str) -> Tensor:
    threshold = random.uniform(*bounds) * attention.max()
    aligned = regions.ALIGNED_CORNERS[interpolation]
    size = image.shape[1:]
    return F.interpolate(attention[None, None], size, mode=interpolation, align_corners=aligned)[0, 0] >= threshold


def loop_box(mask: Tensor, padding: float) -> list[int]:
    marked, side = mask.nonzero(), len(mask)
    if len(marked) == 0:
        return [0, side, 0, side]
    box = []
    for axis in (0, 1):
        box.append(max(int(marked[:, axis].min().item() - padding * side), 0))
        box.append(min(int(marked[:, axis].max().item() + padding * side) + 1, side))
    return box


def loop_crop(image: Tensor, box: list[int]) -> Tensor:
    part = image[None, :, box[0] : box[1], box[2] : box[3]]
    return F.interpolate(part, image.shape[1:], mode="bilinear", align_corners=True)[0]


def loop_swap(images: Tensor, boxes: list[list[int]]) -> Tensor:
    swapped = images.clone()
    for index, (top, bottom, left, right) in enumerate(boxes):
        a, b, c, d = boxes[index ^ 1]
        size = (bottom - top, right - left)
        part = F.interpolate(images[index ^ 1][None, :, a:b, c:d], size, mode="bilinear", align_corners=True)
        swapped[index, :, top:bottom, left:right] = part[0]
    return swapped


def networks(options: argparse.Namespace) -> tuple[CAL, CAL]:
    """The batched network and its copy that loops, both on the device and in training mode."""
    backbone: nn.Module = timm.create_model(options.backbone, num_classes=0, global_pool="")
    probe = backbone.eval()(torch.zeros(1, 3, options.size, options.size))
    if probe.dim() != 4:
        raise SystemExit(f"{options.backbone} gives {tuple(probe.shape)}, no feature map (B, D, h, w): choose another")
    built = [kind(copy.deepcopy(backbone), probe.shape[1], options.classes) for kind in (CAL, LoopCAL)]
    return tuple(net.to(options.device).train() for net in built)


def alternate(tasks: dict[str, Callable[[], object]], repeats: int, device: str, title: str) -> dict[str, float]:
    """Median seconds of each task; the first, untimed, round warms up."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in track(range(repeats + 1), description=title, transient=True):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if device.startswith("cuda"):
                torch.cuda.synchronize()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: median(values) for name, values in times.items()}


def largest_difference(images: Tensor, maps: Tensor) -> float:
    """Of crops made both ways from the same masks: the two must do the same work to be compared."""
    masks = regions.masks(maps[:, 0], 0.5, images.shape[2:], "bicubic")
    looped = [loop_crop(image, loop_box(mask, 0.1)) for image, mask in zip(images, masks, strict=True)]
    return (regions.crop(images, regions.boxes(masks, 0.1)) - torch.stack(looped)).abs().max().item()


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--batch", type=int, default=16, help="images in a step (even)")
    parser.add_argument("--size", type=int, default=224, help="side of an image in pixels")
    parser.add_argument("--classes", type=int, default=100, help="classes of the classifier")
    parser.add_argument("--backbone", default="tf_efficientnet_lite0", help="any timm tag with a convolutional map")
    parser.add_argument("--repeats", type=int, default=7, help="timed steps of each way; the median counts")
    parser.add_argument("--region-repeats", type=int, default=30, help="the same, of the regions alone")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=default, help="where to run")
    parser.add_argument("--channels-last", action="store_true", help="store images with the channels last")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    batched, loop = networks(options)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    images = torch.randn(options.batch, 3, options.size, options.size, device=options.device).to(memory_format=layout)
    labels = torch.arange(options.batch, device=options.device) // 2 % options.classes
    with torch.no_grad():
        maps = batched.attention(batched.backbone(images))

    device = torch.cuda.get_device_name() if options.device.startswith("cuda") else processor()
    print(f"{device}, {options.threads} CPU thread(s), torch {torch.__version__}, timm {timm.__version__}")
    print(
        f"{options.backbone}, batch {options.batch}, {options.size} px, {str(layout).removeprefix('torch.')}, float32"
    )
    print(f"largest difference between the crops of the two: {largest_difference(images, maps):.1e}\n")
    for regime, swap in (("cal", False), ("calmix", True)):
        compare(
            regime,
            "regions alone",
            options.region_repeats,
            options.device,
            {
                "batched": lambda swap=swap: batched.sample_regions(images, maps, swap),
                "loop": lambda swap=swap: loop.sample_regions(images, maps, swap),
            },
        )
        compare(
            regime,
            "forward and loss",
            options.repeats,
            options.device,
            {
                "batched": lambda swap=swap: batched.losses(images, labels, swap),
                "loop": lambda swap=swap: loop.losses(images, labels, swap),
            },
        )


def compare(regime: str, part: str, repeats: int, device: str, tasks: dict[str, Callable[[], object]]) -> None:
    seconds = alternate(tasks, repeats, device, f"{regime}, {part}")
    trips = {}
    for name, task in tasks.items():
        with HostRoundTrips() as counter:
            task()
        trips[name] = counter.count
    print(
        f"{regime:7} {part:17} batched {1e3 * seconds['batched']:8.1f} ms  loop {1e3 * seconds['loop']:8.1f} ms  "
        f"loop/batched {seconds['loop'] / seconds['batched']:5.2f}  "
        f"host round trips {trips['batched']} against {trips['loop']}"
    )


if __name__ == "__main__":
    main()
