"""Take a step of each regime on a whole batch, by one process or by ranks (on GPUs: NCCL), in double precision.

Saves gradients, buffers, loss and logits of the whole batch. In single precision CAL's signed square roots and masks
turn rounding into differences as large as what a mistake would make.
"""

import os
import sys
from pathlib import Path

import torch
from small_training import MODEL
from torch import Tensor, nn
from torch.nn import functional as F

from fgir.distributed import world
from fgir.distributed.batch_norm import synchronise
from fgir.methods.build import build_model, implementation
from fgir.specs import Network
from fgir.study import CalOptions

BATCH, SIZE = 8, 64


def main(out: Path) -> None:
    """Write the step's tensors into ``out``; for a process of its own, whose torch stays in double precision."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    Tensor.float = Tensor.double  # type: ignore[method-assign]
    with world.joined(int(os.environ.get("WORLD_SIZE", 1))):
        state = {}
        for regime in ("finetuned", "cal", "calmix"):
            state |= {f"{regime}.{name}": tensor for name, tensor in step(regime).items()}
        if world.rank() == 0:
            torch.save({name: tensor.cpu() for name, tensor in state.items()}, out)


def step(regime: str) -> dict[str, Tensor]:
    torch.manual_seed(0)
    model = build_model(Network(MODEL, regime, 3, SIZE, CalOptions(attention_maps=4)), None).double().train()
    for name, buffer in model.named_buffers():
        if name == "centre":
            buffer.normal_()
    synchronise(model)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    # Smooth images, with neighbours of one class as calmix has them.
    images = F.interpolate(torch.randn(BATCH, 3, 8, 8), SIZE, mode="bicubic")
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 0, 0])
    torch.manual_seed(7)
    own = world.own_part(images).contiguous(memory_format=torch.channels_last).to(device)
    loss, logits = implementation(regime).loss(model, own, world.own_part(labels).to(device))
    loss.backward()
    world.average_gradients([parameter for parameter in model.parameters() if parameter.requires_grad])
    state = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    state |= {name: buffer for name, buffer in model.named_buffers() if not isinstance(buffer, nn.Parameter)}
    return state | {"loss": world.total(loss.detach()) / world.size(), "logits": world.gathered(logits.detach())}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
