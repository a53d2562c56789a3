"""The part of a study that the targets of Snakemake stand on, as far as their names say it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from fgir.study import Study
from fgir.workflow.validate import identity_of


def narrowed(study: Study, targets: Iterable[str]) -> Study:
    """Return a study of the datasets, backbones and sizes that the targets name; all of it where one is of the whole.

    Of targets that name no file of the results tree, such as rules, nothing is known: they stand for the whole, too.
    """
    found: dict[str, set[Any]] = defaultdict(set)
    for target in targets:
        names = identity_of(study, target)
        if names is None:
            return study
        for name, value in names.items():
            found[name].add(value)
    own: dict[str, Any] = {
        "datasets": [name for name in study.datasets if name in found["dataset"]],
        "backbones": [name for name in study.backbones if name in found["backbone"]],
        "settings": [name for name in study.settings if not found["setting"] or name in found["setting"]],
    }
    if found["train_size"]:
        own["train_sizes"] = sorted(found["train_size"])
        own["test_sizes"] = sorted(found["test_size"]) or study.test_sizes
    elif found["test_size"]:
        own["train_sizes"] = sorted(found["test_size"])
        own["test_sizes"] = None
    for key, part in (("crops", "crops"), ("adaptations", "adaptation")):
        own[key] = [name for name in getattr(study, key) if not found[part] or name in found[part]]
    own["dataset_entries"] = {name: study.dataset_entries[name] for name in own["datasets"]}
    own["backbone_entries"] = {name: study.backbone_entries[name] for name in own["backbones"]}
    return study.model_copy(update=own)
