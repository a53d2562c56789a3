"""YAML read strictly: unknown keys and keys given twice are errors, each fault a sentence that names its key."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from fgir.errors import FgirError, raise_all
from fgir.sentences import booleans, sentences


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
        content = yaml.load(_text(Path(path)), _EachKeyOnce)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise FgirError(f"{path}{line} is not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise FgirError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict):
        raise FgirError(f"{path} must be a YAML mapping of keys to values.")
    return content


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; check the path.") from None
    except OSError as error:
        raise FgirError(f"{path} cannot be read ({error.strerror}); name a file of YAML.") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" in content:
            raise FgirError(f"{path} is no text file; name a file of YAML.") from None
        line = content.count(b"\n", 0, error.start) + 1
        raise FgirError(f"{path}, line {line} is not in UTF-8; save the file as UTF-8.") from None


def validated(kind: Any, content: Any, path: str | Path) -> Any:
    """Return ``content``, read from ``path``, as a ``kind`` (a record, or a dict of records).

    FgirError lists every fault, each a sentence that names its key.
    """
    try:
        record = TypeAdapter(kind).validate_python(content)
        raise_all(booleans(content, kind) if isinstance(kind, type) else [], f"{path}: ")
        return record
    except ValidationError as error:
        raise_all(sentences(error.errors(), kind), f"{path}: ")
        raise
