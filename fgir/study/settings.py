"""The six published settings: how weights are trained (the regime), and how the trained model is evaluated."""

from typing import Literal

Regime = Literal["frozen", "finetuned", "cal", "calmix"]
Setting = Literal["frozen", "finetuned", "cal", "cal_nc", "calmix", "calmix_nc"]
Scope = Literal["network", "end_to_end"]
REGIMES: tuple[Regime, ...] = ("frozen", "finetuned", "cal", "calmix")
REGIME_OF: dict[Setting, Regime] = {
    "frozen": "frozen",
    "finetuned": "finetuned",
    "cal": "cal",
    "cal_nc": "cal",
    "calmix": "calmix",
    "calmix_nc": "calmix",
}
SETTINGS: tuple[Setting, ...] = tuple(REGIME_OF)
VIEWS: dict[Setting, int] = {"frozen": 1, "finetuned": 1, "cal": 8, "cal_nc": 1, "calmix": 8, "calmix_nc": 1}
# At inference a setting costs what this one costs: they differ in how the same network was trained.
COSTS_AS: dict[Setting, Setting] = {
    "frozen": "finetuned",
    "finetuned": "finetuned",
    "cal": "cal",
    "cal_nc": "cal_nc",
    "calmix": "cal",
    "calmix_nc": "cal_nc",
}
