"""The words of the package: docstrings are sentences that begin with a verb, and every term has one place."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import fgir

ROOT = Path(fgir.__file__).parent
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef
FRAGMENT = re.compile(r"(What|Which|Where|Whether|Is|Of|How|Does|Why)\b")


def strings_that_document(file: Path) -> list[str]:
    """Return the docstrings of a file, those of fields included."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, _DOCUMENTED)]
    constants = [line.value for node in nodes for line in node.body if isinstance(line, ast.Expr)]
    return [text.value for text in constants if isinstance(text, ast.Constant) and isinstance(text.value, str)]


def test_a_docstring_is_no_fragment_of_a_sentence() -> None:
    fragments = {
        f"{file.relative_to(ROOT)}: {text}"
        for file in ROOT.rglob("*.py")
        for text in strings_that_document(file)
        if FRAGMENT.match(text)
    }

    assert not fragments


def test_the_vocabulary_lists_every_term_once_with_one_sentence() -> None:
    page = ROOT.parent / "docs/architecture.md"
    if not page.exists():
        pytest.skip("the package is installed without its documents")
    section = page.read_text().split("## Vocabulary")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    counts = Counter(term for terms, _ in rows for term in terms.split(", "))

    assert {"setting", "method", "regime", "protocol", "run", "cell", "spec", "adaptation"} <= counts.keys()
    assert max(counts.values()) == 1
    assert all(re.fullmatch(r"[A-Z][^.]*(\.\w[^.]*)*\.", meaning) for _, meaning in rows), rows
