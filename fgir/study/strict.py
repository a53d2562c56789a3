"""Read YAML strictly: unknown keys and keys given twice are errors, and each fault is a sentence with its key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from fgir.study.places import is_record
from fgir.study.sentences import sentences, wrong_numbers
from fgir.utils.errors import FgirError, raise_all


class Strict(BaseModel):
    """Define a frozen record that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# YAML's names for values that are no text, and ours.
_WORDS = {"timestamp": "date", "int": "whole number", "float": "number", "bool": "true or false"}


class _EachKeyOnce(yaml.CSafeLoader):
    """Load YAML, and refuse a key given twice: it would hide the first, perhaps a whole dataset."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Build the value of ``node``; a text that looks like a date or a number, but is none, is an error of YAML."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, AttributeError):
            kind = node.tag.rpartition(":")[2]
            problem = f"{node.value} is no {_WORDS.get(kind, kind)}; if it is a text, write it in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build the dict of ``node``."""
        keys = set()
        # A key that is itself a list or a mapping is refused by YAML's own loader.
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in keys and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            keys.add(key.value)
        return super().construct_mapping(node, deep)


def _unknown_tag(loader: _EachKeyOnce, node: yaml.Node) -> None:
    problem = f"the tag {node.tag} means nothing here; remove it, or write all of the value in quotes"
    raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_EachKeyOnce.add_constructor(None, _unknown_tag)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Return the YAML mapping of a file. Raises FgirError if the file is missing or holds none."""
    return parse_yaml(_text(Path(path)), path)


def parse_yaml(text: str, path: str | Path) -> dict[str, Any]:
    """Return the YAML mapping in ``text``, which was read from ``path``. Raises FgirError if it is none."""
    try:
        content = yaml.load(text, _EachKeyOnce)
    except UnicodeEncodeError:
        raise FgirError(f"{path} is not in UTF-8; save it as UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise FgirError(f"{path}{line} is not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise FgirError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict):
        raise FgirError(f"{path} must be a YAML mapping of keys to values; write it as `key: value` lines.")
    return content


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; check the path.") from None
    except OSError as error:
        raise FgirError(f"{path} cannot be read ({error.strerror}); name a YAML file.") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" in content:
            raise FgirError(f"{path} is not a text file; name a YAML file.") from None
        line = content.count(b"\n", 0, error.start) + 1
        raise FgirError(f"{path}, line {line} is not in UTF-8; save the file as UTF-8.") from None


def without_faults(kind: type[BaseModel], content: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Return the part of a record's content that has no faults, and the keys that this part lacks.

    Keys are those of the record or of a record in it (``training.epochs``). An unknown key may mean any key beside it
    that is not given, so those are among the keys. An empty key stands for faults of the record as a whole.
    """
    try:
        TypeAdapter(kind).validate_python(content)
        return dict(content), set()
    except ValidationError as invalid:
        errors = invalid.errors()
    sound: dict[Any, Any] = {key: dict(value) if isinstance(value, dict) else value for key, value in content.items()}
    wrong = set()
    for error in errors:
        key, *below = error["loc"] or [""]
        field = kind.model_fields.get(str(key))
        inner: Any = field.annotation if field and below and is_record(field.annotation) else None
        record, given, before = (inner, content[str(key)], f"{key}.") if inner else (kind, content, "")
        here = below[0] if inner else key
        (sound[key] if inner else sound).pop(here, None)
        wrong.add(f"{before}{here}")
        if error["type"] == "extra_forbidden":
            wrong |= {f"{before}{name}" for name in record.model_fields if name not in given}
    return sound, wrong


def validated(kind: Any, content: Any, path: str | Path) -> Any:
    """Return ``content``, read from ``path``, as a ``kind`` (a record, or a dict of records).

    Raises FgirError that lists every fault in a sentence with its key.
    """
    wrong, faults = wrong_numbers(content, kind), []
    try:
        record = TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        faults = sentences(error.errors(), kind)
    raise_all([*faults, *(sentence for sentence in wrong if sentence not in faults)], f"{path}: ")
    return record
