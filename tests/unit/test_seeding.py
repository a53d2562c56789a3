"""Randomness from what it is for."""

import pytest
import torch

from fgir.utils.seeding import derive, seed_all


def test_the_draws_are_those_of_torchs_own_seeding() -> None:
    torch.manual_seed(derive(1, "step", 2, 3))
    expected = torch.rand(5), torch.randperm(9)

    seed_all(1, "step", 2, 3)

    assert torch.equal(torch.rand(5), expected[0])
    assert torch.equal(torch.randperm(9), expected[1])


@pytest.mark.parametrize("there", [False, True])
def test_gpus_are_seeded_where_there_are_any_and_else_left_alone(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)

    seed_all(1, "init")

    assert seeds == [derive(1, "init")] * there
