"""YAML read strictly: unknown keys and keys given twice are errors, each of them one sentence that names its key."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from fgir.errors import FgirError, nearest

_QUOTED = re.compile(r"'([^']*)'")


class Strict(BaseModel):
    """A frozen record whose unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _EachKeyOnce(yaml.CSafeLoader):
    """YAML in which a key given twice is an error; it would hide the first, a whole dataset perhaps."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a dict of ``node``."""
        keys = set()
        # A key that is itself a list or a mapping is refused by YAML's own loader.
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in keys and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            keys.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping; FgirError where the file is missing or no mapping."""
    try:
        content = yaml.load(Path(path).read_text(), _EachKeyOnce)
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; check the path.") from None
    except (IsADirectoryError, UnicodeDecodeError):
        raise FgirError(f"{path} is no text file; name a file of YAML.") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise FgirError(f"{path}{line} is not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise FgirError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict):
        raise FgirError(f"{path} must be a YAML mapping of keys to values.")
    return content


def validated(adapter: TypeAdapter[Any], content: Any, path: str | Path, record: type[Strict] | None = None) -> Any:
    """Validate ``content`` read from ``path``; the first fault becomes one FgirError sentence.

    ``record`` is what the content as a whole is, where it is one record: its keys are those to suggest.
    """
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        raise FgirError(f"{path}: {_sentence(error, content, record)}") from None


def _sentence(error: ValidationError, content: Any, record: type[Strict] | None) -> str:
    # A misspelt key is also a missing one: the first is what the user wrote.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    where = [str(part) for part in first["loc"] if part != "[key]" and not _is_tag(part, content)]
    key = ".".join(where)
    if first["type"] == "extra_forbidden":
        beside = _keys_beside(where, record) - {where[-1]}
        elsewhere = [place for place in _places(record) if place.split(".")[-1] == where[-1]]
        if elsewhere:
            meant = get_close_matches(where[-1], beside, n=1, cutoff=0.8) + elsewhere
            names = '" or "'.join(meant)
            return f'unknown key {key}; did you mean "{names}"?'
        return f"unknown key {key}{nearest(where[-1], beside)}"
    value = first["input"]
    if first["type"] == "literal_error" and isinstance(value, str):
        return f'{key}: there is no "{value}"{nearest(value, _QUOTED.findall(first["ctx"]["expected"]))}'
    if first["type"] == "union_tag_invalid":
        tag, chosen_by = first["ctx"]["tag"], first["ctx"]["discriminator"].strip("'")
        return f'{key}.{chosen_by}: there is no "{tag}"{nearest(tag, _QUOTED.findall(first["ctx"]["expected_tags"]))}'
    if first["type"] == "missing":
        return f"{key} is missing; add it."
    if first["type"] == "list_type" and isinstance(value, str | int | float):
        return f"{key} is {value} and must be a list; write [{value}]."
    got = f" (got {value!r})" if isinstance(value, str | int | float | bool | list | None) else ""
    message = first["msg"].removeprefix("Value error, ")
    # A rule of the whole record names its keys itself.
    place = f"{key}: " if key else ""
    return f"{place}{message[0].lower()}{message[1:]}{got}."


def _is_tag(part: Any, content: Any) -> bool:
    # pydantic puts the tag of a union ("elpv", "package") among the keys; whoever wrote the YAML never wrote it.
    tags = {"elpv", "typefaces", "folder", "archive", "package", "timm", "file", "none"}
    return part in tags and part not in content


def _keys_beside(where: list[str], record: type[Strict] | None) -> set[str]:
    """The keys valid at the place of the last of ``where``; all keys that there are where that is not known."""
    for part in where[:-1]:
        record = _record_of(record, part)
    return set(record.model_fields) if record else _all_keys(Strict)


def _places(record: type[Strict] | None, below: str = "") -> Iterator[str]:
    """Every key of a record and of the records in it, as ``training.epochs``."""
    for key in record.model_fields if record else ():
        yield below + key
        yield from _places(_record_of(record, key), f"{below}{key}.")


def _record_of(record: type[Strict] | None, key: str) -> type[Strict] | None:
    """The record that is the value of a key, where it is one."""
    field = record.model_fields.get(key) if record else None
    inner = field.annotation if field else None
    return inner if isinstance(inner, type) and issubclass(inner, Strict) else None


def _all_keys(root: type[Strict]) -> set[str]:
    keys = set(root.model_fields)
    return keys.union(*(_all_keys(child) for child in root.__subclasses__()))
