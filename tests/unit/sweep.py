"""Sweeps over backbones: ``make test`` looks at some of each kind, ``make sweep`` at the others."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pytest

from fgir.study.catalogue import Backbone


def swept(names: Iterable[str], always: Collection[str]) -> list[Any]:
    """Return the parameters of a test of all names; those not in ``always`` have the marker ``sweep``."""
    return [name if name in always else pytest.param(name, marks=pytest.mark.sweep) for name in names]


def smallest_of_each_family(backbones: Mapping[str, Backbone]) -> set[str]:
    """Return a name for each family of the catalogue: of the entry with the fewest parameters, the first."""
    by_size = sorted(backbones, key=lambda name: backbones[name].params_m)
    # The last that a key is given stays.
    return set({backbones[name].family: name for name in reversed(by_size)}.values())
