"""Count the multiply-adds of inference on the real model."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from fgir.cost.operators import macs_by_fvcore
from fgir.methods.build import untrained
from fgir.models.shapes import Undrawn
from fgir.specs import MacsSpec
from fgir.study import VIEWS
from fgir.utils.devices import conditions
from fgir.utils.progress import waiting


def count_macs(spec: MacsSpec, classes: int) -> dict[str, Any]:
    """Return one row of table macs: multiply-adds of one view and of an image, by fvcore; one view also by torch.

    Counted in evaluation for a batch of one, on the CPU, so that every machine gives the same figures. Where an
    operator has no count, the totals are null and the status is ``uncounted``.
    """
    views = VIEWS[spec.setting]
    with waiting(f"Counting {spec.model.backbone} at {spec.test_size} with {classes} classes"):
        with Undrawn():
            model = untrained(spec.network(classes)).eval()
        # torch's counter stumbles over models that hand a parameter to a submodule, unless it needs no gradient.
        model.requires_grad_(False)
        image = torch.zeros(1, 3, spec.test_size, spec.test_size)
        macs, uncounted = macs_by_fvcore(model, image)
        macs_torch = macs_by_torch(model, image)
    here = conditions(image.device, "fp32")
    return {
        "backbone": spec.model.backbone,
        "setting": spec.setting,
        "test_size": spec.test_size,
        "classes": classes,
        "views": views,
        "parameters": sum(p.numel() for p in model.parameters()),
        "macs_view": macs,
        "macs_image": None if macs is None else macs * views,
        "macs_view_torch": macs_torch,
        "uncounted_ops": uncounted,
        **{key: here[key] for key in ("torch", "timm", "fgir")},
        "status": "uncounted" if uncounted else "ok",
        "error": f"No count of multiply-adds for {', '.join(uncounted)}." if uncounted else None,
    }


@torch.no_grad()
def macs_by_torch(model: nn.Module, image: Tensor) -> int:
    """Return the multiply-adds of ``model(image)`` by torch's own counter, which counts two for each.

    Attention is computed by its plain definition, since the counter does not know the fused one of a CPU.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(image)
    return counter.get_total_flops() // 2
