"""Turn a fault that pydantic finds in a YAML file into a sentence: the key, its value, what it must be, an example."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, get_origin

from pydantic import BaseModel

from fgir.study.places import FOLDER, NAME, PLAIN, Place, all_tags, example, is_record, is_tagged, shown, words
from fgir.utils.errors import near, nearest

# Other names that people give to a key.
SYNONYMS = {
    "tuning.learning_rates": ("lr", "lrs", "learning_rate", "base_lr", "rates"),
    "training.epochs": ("num_epochs", "n_epochs", "max_epochs"),
    "training.batch_size": ("batch", "bs", "train_batch_size"),
    "training.weight_decay": ("wd", "decay"),
    "training.warmup_steps": ("warmup", "warm_up", "warmup_epochs"),
    "training.precision": ("amp", "fp16", "mixed_precision"),
    "train_sizes": ("size", "sizes", "img_size", "image_size", "image_sizes", "input_size", "resolution"),
    "seeds": ("random_seed", "replicates"),
    "backbones": ("model", "models", "architectures", "networks"),
    "settings": ("regimes", "methods"),
    "results": ("output", "out", "output_dir", "results_dir"),
    "archives": ("data_dir", "downloads"),
    "path": ("root", "folder", "dir"),
    "timm": ("tag", "model_name"),
}
_PATTERNS = {
    NAME: "made of letters (a to z), digits and _ . - + alone, and begin with a letter, a digit or _",
    FOLDER: "a path without { } [ ] * ? $ , ; & | < > \\, quotes and line breaks, that begins with no space and no - "
    "and ends with no space",
}
_WRONG_SHAPE = ("_type", "_parsing", "_from_float", "union_tag_not_found")
_NAMED = 5
# Columns of tables and seeds of generators surely hold this.
_LARGEST = 2**32 - 1
_LIMITS = {
    "greater_than": ("gt", "must be above"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be below"),
    "less_than_equal": ("le", "must be at most"),
}


def sentences(errors: Sequence[Any], root: Any) -> list[str]:
    """Return a sentence for each fault of a file whose content is to be a ``root`` (a record, or a dict of records)."""
    unknown = _unknown_keys([error for error in errors if error["type"] == "extra_forbidden"], root)
    others = [error for error in errors if error["type"] != "extra_forbidden" and not _is_wrong_number(error, root)]
    # A misspelt key is also a missing one: the first is what the user wrote.
    meant = " ".join(unknown)
    kept = [error for error in others if error["type"] != "missing" or f'"{_keys(error, root)}"' not in meant]
    # A rule of a whole record may find more than one fault, a line each.
    return unknown + [line for error in kept for line in _sentence(error, root).split("\n")]


def wrong_numbers(content: Any, root: Any) -> list[str]:
    """Return a sentence for each number that pydantic would accept but that is of no use here.

    They are true and false, which it takes for 1 and 0, and far too large whole numbers. ``content`` may have any other
    fault.
    """
    return _wrong_numbers(content, root, (), ())


def _wrong_numbers(content: Any, root: Any, location: tuple[Any, ...], above: tuple[int, ...]) -> list[str]:
    if isinstance(content, bool | int):
        place = Place(root, location)
        return [_number(place, content)] if _is_wrong(place, content) else []
    wanted = Place(root, location).wanted if isinstance(content, dict | list) else None
    # Unknown keys have sentences of their own. And an anchor may hold itself.
    if wanted is None or id(content) in above:
        return []
    if is_tagged(wanted):
        tag = content.get("source") if isinstance(content, dict) else None
        if tag not in all_tags(wanted):
            return []
        location = (*location, tag)
    parts = content.items() if isinstance(content, dict) else enumerate(content)
    above = (*above, id(content))
    return [fault for key, value in parts for fault in _wrong_numbers(value, root, (*location, key), above)]


def _is_wrong(place: Place, value: Any) -> bool:
    if isinstance(value, bool):
        return place.wanted in (int, float)
    return isinstance(value, int) and place.wanted is int and abs(value) > _LARGEST


def _number(place: Place, value: bool | int) -> str:
    if isinstance(value, bool):
        return _wrong_shape(place, value)
    return f"{_subject(place, value)} must be at {'most' if value > 0 else 'least'} {_LARGEST if value > 0 else 0}."


def _is_wrong_number(error: Any, root: Any) -> bool:
    """Say whether ``wrong_numbers`` reports this error."""
    return error["type"] in (*_LIMITS, "int_parsing_size") and _is_wrong(Place(root, error["loc"]), error["input"])


def _sentence(error: Any, root: Any) -> str:
    place, value, kind = Place(root, error["loc"]), error["input"], error["type"]
    key = place.keys
    if kind == "missing" and isinstance(value, list):
        return _wrong_shape(Place(root, error["loc"][:-1]), value)
    if kind == "missing":
        return f"{key} is missing; add it{_as_in(place)}."
    if kind == "literal_error":
        text = value if isinstance(value, str) else shown(value)
        return f'{key}: there is no "{text}"{nearest(text, _quoted(error["ctx"]["expected"]))}'
    if kind == "union_tag_invalid":
        chosen_by = error["ctx"]["discriminator"].strip("'")
        tag = value[chosen_by] if isinstance(value[chosen_by], str) else shown(value[chosen_by])
        return f'{key}.{chosen_by}: there is no "{tag}"{nearest(tag, _quoted(error["ctx"]["expected_tags"]))}'
    if kind == "invalid_key" or error["loc"][-1:] == ("[key]",):
        return f"the key {shown(value)} is no text to YAML; write it in quotes."
    if kind.endswith(_WRONG_SHAPE):
        return _wrong_shape(place, value)
    if kind == "finite_number":
        return f"{_subject(place, value)} must be a number that is finite, as in {example(place)}."
    if kind in _LIMITS:
        limit, words = _LIMITS[kind]
        return f"{_subject(place, value)} {words} {error['ctx'][limit]:g}."
    if kind in ("too_short", "string_too_short") and error["ctx"]["min_length"] == 1:
        return f"{key} is empty; fill it{_as_in(place)}{_or_not(place)}."
    if kind == "string_too_short":
        return f"{_subject(place, value)} must have {error['ctx']['min_length']} signs."
    if kind == "string_pattern_mismatch":
        pattern = error["ctx"]["pattern"]
        return f"{_subject(place, value)} must be {_PATTERNS.get(pattern, f'as the pattern {pattern} says')}."
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    # A rule of the whole record names its keys itself.
    got = f" (got {shown(value)})" if key and not isinstance(value, dict) else ""
    text = f"{key}: {message}{got}" if key else message
    return text if text.endswith("?") else f"{text}."


def _subject(place: Place, value: Any) -> str:
    """Return ``training.epochs is 0 and``, or for a value in a list ``test_sizes: 0``."""
    return f"{place.keys}: {shown(value)}" if place.is_item else f"{place.keys} is {shown(value)} and"


def _keys(error: Any, root: Any) -> str:
    return Place(root, error["loc"]).keys


def _wrong_shape(place: Place, value: Any) -> str:
    sample, wanted = example(place), place.wanted
    as_in, must = f", as in {sample}" * bool(sample), f"{_subject(place, value)} must be {words(wanted)}"
    if value is None and not place.is_item:
        return f"{place.keys} has no value and must be {words(wanted)}{as_in}{_or_not(place)}."
    if is_tagged(wanted) and isinstance(value, dict):
        return f"{place.keys}.source is missing; add it, one of {', '.join(all_tags(wanted))}."
    better = _meant(wanted, value)
    return f"{must}; write {better}." if better else f"{must}{as_in}."


def _or_not(place: Place) -> str:
    return "" if place.field and place.field.is_required() else ", or leave the key out"


def _meant(wanted: Any, value: Any) -> str | None:
    """Return the right way to write a value of the wrong shape; None if its meaning is not certain."""
    if get_origin(wanted) is list and isinstance(value, str | int | float):
        return f"[{shown(value)}]"
    if is_tagged(wanted) and value in all_tags(wanted):
        return f"{{source: {value}}}"
    if wanted in PLAIN and isinstance(value, list) and len(value) == 1 and type(value[0]) is wanted:
        return shown(value[0])
    if wanted is str and isinstance(value, bool | int | float | date):
        return "it in quotes"
    if is_record(wanted) and isinstance(value, str):
        needed = [key for key, field in wanted.model_fields.items() if field.is_required()]
        return shown({needed[0]: value}) if len(needed) == 1 else None
    return None


def _unknown_keys(errors: Sequence[Any], root: Any) -> list[str]:
    """Return a sentence for each unknown key whose meaning is clear, and one for all others of a place."""
    found = {Place(root, error["loc"]).keys: _meant_key(error, root) for error in errors}
    said = [f'unknown key {key}; did you mean "{meant}"?' for key, meant in found.items() if meant]
    others: dict[str, list[str]] = {}
    for error in errors:
        if not found[key := Place(root, error["loc"]).keys]:
            valid = ", ".join(sorted(Place(root, error["loc"][:-1]).wanted.model_fields))
            others.setdefault(valid, []).append(key)
    for valid, keys in others.items():
        more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
        said.append(f"unknown key{'s' * (len(keys) > 1)} {', '.join(keys[:_NAMED])}{more}; valid keys here: {valid}.")
    return said


def _meant_key(error: Any, root: Any) -> str:
    """Return the valid keys that an unknown key may mean: one of another place or name; else an empty text."""
    place = Place(root, error["loc"])
    *above, name = place.keys.split(".")
    record = Place(root, error["loc"][:-1]).wanted
    beside = {".".join([*above, key]): key for key in record.model_fields if key != name}
    # Keys of a catalogue's entry are looked for in the entry, those of a study in all of it.
    places = {path: path.split(".")[-1] for path in _places(root)} if is_record(root) else beside
    word = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", name).lower()
    found = [path for path, words in SYNONYMS.items() if word in words and path in places]
    if not found:
        close = near(word, beside.values(), 0.8)
        found = [path for path, key in beside.items() if key == close or key.startswith(f"{word}_")]
        found += [path for path, key in places.items() if key == word]
    if not found:
        close = near(word, places.values(), 0.85)
        found = [path for path, key in places.items() if key == close]
    return '" or "'.join(dict.fromkeys(found))


def _places(record: type[BaseModel], below: str = "") -> Iterator[str]:
    """Yield every key of a record and of the records in it, such as ``training.epochs``."""
    for key, field in record.model_fields.items():
        yield below + key
        if is_record(field.annotation):
            yield from _places(field.annotation, f"{below}{key}.")  # type: ignore[arg-type]


def _as_in(place: Place) -> str:
    sample = example(place)
    return f", as in {place.keys.split('.')[-1]}: {sample}" if sample else ""


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text)
