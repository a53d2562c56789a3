"""Write a spec as canonical JSON, and read it.

Canonical means that the same meaning has the same text, whatever the order of keys or the spelling of numbers in the
study file. So Snakemake reruns a job only when its meaning changes. Values equal to their default are left out, so that
a new option reruns nothing. ``RECIPE`` is raised by hand when the code of a stage changes what it computes, or when a
default changes; a comment or a rename retrains nothing.
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
    "adopt": 1,
    "adapt": 1,
    "evaluate": 2,
    "macs": 3,
    "timing": 2,
    "end_to_end": 1,
    "summary": 3,
}


Spec = TypeVar("Spec", bound=Strict)


def canonical(spec: Strict) -> str:
    """Return the JSON text of a spec, without values that equal their default."""
    return json.dumps(spec.model_dump(mode="json", exclude_defaults=True), sort_keys=True, separators=(",", ":"))


def parse(kind: type[Spec], text: str) -> Spec:
    """Return the spec of a JSON text. Raises FgirError if it does not fit."""
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the text"
        raise FgirError(
            f"The {kind.__name__} is not valid at {where}: {first['msg']}; take the --spec that snakemake -np prints."
        ) from None
