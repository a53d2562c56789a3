"""Describe in words and examples what may stand at a place of a YAML file, by the types of its records."""

import json
import re
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$"
_UNWANTED = r"""{}\[\]*?$,;&|<>'"`\\\x00-\x1f\x7f-\x9f\u2028\u2029"""
FOLDER = rf"^[^{_UNWANTED} -]([^{_UNWANTED}]*[^{_UNWANTED} ])?$"
_EXAMPLES: dict[Any, Any] = {int: 1, float: 0.1}
PLAIN = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


class Place:
    """Locate a fault in a file: the keys as the user wrote them, and what is wanted there."""

    def __init__(self, root: Any, location: Sequence[Any]) -> None:
        self.wanted, self.field = root, _field_in(root)
        self.is_item = False
        names = []
        for part in (part for part in location if part != "[key]"):
            self.wanted = _plain(self.wanted)
            if is_tagged(self.wanted):
                # pydantic names the chosen kind of record among the keys; whoever wrote the YAML did not.
                self.wanted, self.field = next(kind for kind in get_args(self.wanted) if part in _tags(kind)), None
            elif get_origin(self.wanted) in (list, tuple) and isinstance(part, int):
                self.wanted, self.is_item = get_args(self.wanted)[0], True
            else:
                names.append(str(part))
                self.wanted, self.field, self.is_item = self._below(part)
        self.keys, self.wanted = ".".join(names), _plain(self.wanted)

    def _below(self, part: Any) -> tuple[Any, FieldInfo | None, bool]:
        if is_record(self.wanted) and part in self.wanted.model_fields:
            field = self.wanted.model_fields[part]
            return field.annotation, field, False
        if get_origin(self.wanted) is dict:
            value = get_args(self.wanted)[1]
            return value, _field_in(value), False
        return None, None, False


def _field_in(wanted: Any) -> FieldInfo | None:
    """Return the pydantic field that annotates a type; None if there is none."""
    return next((note for note in getattr(wanted, "__metadata__", ()) if isinstance(note, FieldInfo)), None)


def example(place: Place) -> str | None:
    """Return an example of what may stand at a place, as YAML: the field's own, its default, or one of its type."""
    value = _example_of(place.field, None if place.is_item else place.wanted)
    if place.is_item:
        value = value[0] if isinstance(value, list) and value else _made(place.wanted)
    return None if value is None else shown(value, whole=True)


def _example_of(field: FieldInfo | None, wanted: Any) -> Any:
    if field is not None and field.examples:
        return field.examples[0]
    default = None if field is None or field.is_required() else field.default
    if isinstance(default, int | float | str | list) and default not in ("", []):
        return default
    return _made(wanted)


def _made(wanted: Any) -> Any:
    """Return a value of a type, as an example; None if there is none to give."""
    wanted = _plain(wanted)
    origin, inner = get_origin(wanted), [_made(kind) for kind in get_args(wanted) if not isinstance(kind, str)]
    if origin is Literal:
        return get_args(wanted)[0]
    if is_record(wanted):
        return _required_of(wanted)
    if origin in (list, tuple, dict) and None not in inner:
        return dict([inner]) if origin is dict else inner  # type: ignore[list-item]
    return _EXAMPLES.get(wanted)


def _required_of(record: type[BaseModel]) -> dict[str, Any] | None:
    """Return examples of a record's required keys, or else of its first key whose default is a number."""
    fields = record.model_fields
    needed = {key: _example_of(field, field.annotation) for key, field in fields.items() if field.is_required()}
    if needed:
        return needed if None not in needed.values() else None
    return next(({key: field.default} for key, field in fields.items() if isinstance(field.default, int | float)), None)


def words(wanted: Any) -> str:
    """Return a type in a user's words: a whole number, a list, ..."""
    if is_tagged(wanted):
        return f"a mapping with a source ({', '.join(all_tags(wanted))})"
    origin = get_origin(wanted)
    if origin is Literal:
        return f"one of {', '.join(map(str, get_args(wanted)))}"
    if origin is list:
        return "a list"
    if origin is tuple:
        return f"a list of {len(get_args(wanted))}"
    return PLAIN.get(wanted, "a mapping of keys to values")


def _plain(wanted: Any) -> Any:
    """Return a type without annotations and without None."""
    if get_origin(wanted) is Annotated:
        return _plain(get_args(wanted)[0])
    if get_origin(wanted) in (Union, UnionType):
        kinds = [kind for kind in get_args(wanted) if kind is not NoneType]
        return _plain(kinds[0]) if len(kinds) == 1 else wanted
    return wanted


def is_tagged(wanted: Any) -> bool:
    """Say whether a type is a union of records, chosen by their key ``source``."""
    return get_origin(wanted) in (Union, UnionType) and all(map(is_record, get_args(wanted)))


def is_record(wanted: Any) -> bool:
    """Say whether a type is one of the records that YAML is read into."""
    return isinstance(wanted, type) and issubclass(wanted, BaseModel)


def _tags(record: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(record.model_fields["source"].annotation)


def all_tags(wanted: Any) -> list[Any]:
    """Return the values of ``source`` by which a record of a union is chosen."""
    return [tag for record in get_args(wanted) for tag in _tags(record)]


def shown(value: Any, whole: bool = False) -> str:
    """Return a value as YAML on one line: ``whole`` for copying, else with texts in quotes and long ones cut."""
    if isinstance(value, str) and not whole and not re.fullmatch(NAME, value):
        return json.dumps(value, ensure_ascii=False)
    try:
        text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    except RecursionError:
        return "..."
    text = " ".join(text.removesuffix("...\n").split())
    return text if whole or len(text) <= 60 else f"{text[:57]}..."
