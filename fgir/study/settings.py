"""Pair methods (how weights are trained) with protocols (how the trained model is evaluated) into settings."""

from typing import TYPE_CHECKING, Literal

from fgir.study.methods import METHODS, Method, Regime
from fgir.study.protocols import PROTOCOLS, Protocol

Scope = Literal["network", "end_to_end"]


def setting_of(method: Method, protocol: Protocol) -> str:
    """Return the name of a pair: the method's if the protocol is its own, else ``method_nc`` (no crops) for ``centre``
    and ``method+protocol`` for any other.
    """
    if protocol.name == method.protocol:
        return method.name
    return f"{method.name}_nc" if protocol.name == "centre" else f"{method.name}+{protocol.name}"


_PAIRS = {
    setting_of(method, protocol): (method, protocol)
    for method in METHODS.values()
    for protocol in sorted(PROTOCOLS.values(), key=lambda protocol: protocol.name != method.protocol)
    if method.dense or not protocol.dense
}

PUBLISHED_SETTINGS: tuple["Setting", ...] = ("frozen", "finetuned", "cal", "cal_nc", "calmix", "calmix_nc")
# In this order everywhere: what was published comes first.
_PAIRS = {name: _PAIRS[name] for name in dict.fromkeys([*PUBLISHED_SETTINGS, *_PAIRS])}

if TYPE_CHECKING:
    Setting = str
else:
    Setting = Literal[tuple(_PAIRS)]

SETTINGS: tuple[Setting, ...] = tuple(_PAIRS)
REGIME_OF: dict[Setting, Regime] = {name: method.name for name, (method, _) in _PAIRS.items()}
PROTOCOL_OF: dict[Setting, str] = {name: protocol.name for name, (_, protocol) in _PAIRS.items()}
VIEWS: dict[Setting, int] = {name: protocol.views for name, (_, protocol) in _PAIRS.items()}
# At inference a setting costs what this one costs: they differ in how the same network was trained.
COSTS_AS: dict[Setting, Setting] = {
    name: setting_of(METHODS[method.network or method.name], protocol) for name, (method, protocol) in _PAIRS.items()
}
