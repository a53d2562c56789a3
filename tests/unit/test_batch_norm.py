"""Batch norm over the processes of a run: which one is used where. What two processes compute is in test_ranks.py."""

from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
from timm.layers import BatchNormAct2d
from torch import nn

from fgir.distributed import world
from fgir.distributed.batch_norm import synchronise


class Net(nn.Module):
    """A network with batch norms of torch and of timm, one of them frozen and in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.act = BatchNormAct2d(4, act_layer=nn.SiLU)
        self.frozen = nn.BatchNorm2d(4).eval().requires_grad_(False)
        self.vector = nn.BatchNorm1d(4, momentum=None)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.vector(self.frozen(self.act(self.stem(images))).mean((2, 3)))


@pytest.fixture
def over_gloo(tmp_path) -> Iterator[None]:
    """A group of one over gloo."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.fixture
def as_over_nccl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for what only a GPU has; no group is there, in which the library's batch norm is the plain one."""
    monkeypatch.setattr(world, "alone", lambda: False)
    monkeypatch.setattr(world, "is_over_gloo", lambda: False)


def kinds(net: Net) -> list[type]:
    return [type(module) for module in net.modules() if isinstance(module, nn.modules.batchnorm._NormBase)]


def test_alone_nothing_is_changed() -> None:
    net = Net()

    synchronise(net)

    assert kinds(net) == [nn.BatchNorm2d, BatchNormAct2d, nn.BatchNorm2d, nn.BatchNorm1d]
    assert not any("forward" in vars(module) for module in net.modules())


@pytest.mark.usefixtures("over_gloo")
def test_over_gloo_ours_normalises_as_torch_does() -> None:
    torch.manual_seed(0)
    plain, ours = Net(), Net()
    ours.load_state_dict(plain.state_dict())
    images = torch.randn(4, 3, 6, 6)

    synchronise(ours)

    assert nn.SyncBatchNorm not in kinds(ours)
    for training in (True, False):
        expected, found = (net.train(training)(images) for net in (plain, ours))
        # Means and variances of 64 numbers, summed in another order.
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.state_dict(), plain.state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("as_over_nccl")
def test_on_gpus_it_is_the_library_s_with_the_same_tensors_activations_and_modes() -> None:
    torch.manual_seed(0)
    plain, library = Net(), Net()
    library.load_state_dict(plain.state_dict())
    before, images = dict(library.named_parameters()), torch.randn(4, 3, 6, 6)

    synchronise(library)

    assert all(issubclass(kind, nn.SyncBatchNorm) for kind in kinds(library))
    assert len(kinds(library)) == 4
    assert all(parameter is before[name] for name, parameter in library.named_parameters())
    assert isinstance(library.act.act, nn.SiLU)
    assert not library.frozen.training
    assert not library.frozen.weight.requires_grad
    assert torch.equal(library(images), plain(images))
    assert library.state_dict().keys() == plain.state_dict().keys()
