"""The text of a spec: canonical JSON.

Canonical means that the same meaning has the same text, whatever the order of keys or the spelling of numbers in the
study file, so that Snakemake reruns a job only when its meaning changes. What has its default is left out: a new option
reruns nothing. ``recipe`` is raised by hand when the code of a stage changes what it computes, or a default changes; a
comment or a rename retrains nothing.
"""

import json
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from fgir.study.strict import Strict
from fgir.utils.errors import FgirError

RECIPE = {
    "source": 2,
    "split": 2,
    "pixels": 2,
    "weights": 1,
    "train": 2,
    "evaluate": 2,
    "macs": 3,
    "timing": 2,
    "end_to_end": 1,
    "summary": 3,
}


Spec = TypeVar("Spec", bound=Strict)


def canonical(spec: Strict) -> str:
    """Return the one JSON text of a spec, without what has its default."""
    return json.dumps(spec.model_dump(mode="json", exclude_defaults=True), sort_keys=True, separators=(",", ":"))


def parse(kind: type[Spec], text: str) -> Spec:
    """Read a spec from its JSON text; FgirError where it does not fit."""
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the text"
        raise FgirError(f"The {kind.__name__} is not valid at {where}: {first['msg']}.") from None
