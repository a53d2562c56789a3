"""Made-up rows of a summary, for tests of what is printed and drawn."""

import math
from typing import Any

from fgir.results.columns import TABLES
from fgir.results.pareto import mark_front
from fgir.study import VIEWS

COMPUTE = {"frozen": 45.0, "finetuned": 60.0, "cal": 68.0, "cal_nc": 66.5, "calmix": 71.0, "calmix_nc": 70.0}


def cell(setting: str = "finetuned", backbone: str = "lite0", gmacs: float = 0.4, **changes: Any) -> dict[str, Any]:
    """One cell with every figure: top-1 grows with compute, cost with the views."""
    views = VIEWS[setting]
    row: dict[str, Any] = dict.fromkeys(column.name for column in TABLES["summary"])
    row |= {"dataset": "elpv", "dataset_title": "Solar cells", "backbone": backbone, "backbone_title": backbone.title()}
    row |= {"setting": setting, "train_size": 96, "test_size": 96, "adaptation": "none", "classes": 8}
    row |= {"weights": f"package {backbone} 1.0", "seeds_ok": 3, "seeds_expected": 3, "views": views, "status": "ok"}
    top1 = COMPUTE[setting] + 6 * math.log10(gmacs + 1)
    row |= {"top1": top1, "top1_std": 0.6, "top1_fold_std": 0.3, "class_mean": top1 - 5}
    row |= {"macs_view": int(gmacs * 1e9), "macs_image": int(gmacs * 1e9) * views, "throughput": 400 / gmacs / views}
    row |= {"latency": 3 * gmacs * views + 2, "inference_memory": 512_000_000, "train_hours": 0.25 * gmacs}
    row |= {"train_job_hours": 0.3 * gmacs, "train_device": "a GPU", "train_precision": "fp16"}
    row |= {"device": "a GPU", "precision": "fp16", "timing_batch_size": 8}
    return row | changes


def cells(backbones: dict[str, float], **changes: Any) -> list[dict[str, Any]]:
    """Every setting of some backbones, given with their GMACs a view; the front marked."""
    rows = [cell(setting, backbone, gmacs, **changes) for backbone, gmacs in backbones.items() for setting in COMPUTE]
    mark_front(rows)
    return rows
