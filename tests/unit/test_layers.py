"""The packages of fgir stand in layers: imports go downwards, so that no package needs one that needs it."""

import ast
from pathlib import Path

import fgir

ROOT = Path(fgir.__file__).parent
# From the bottom: each imports those before it.
LAYERS = (
    *(
        "utils",
        "study",
        "specs",
        "results",
        "distributed",
        "data",
        "models",
        "methods",
        "evaluation",
        "analysis",
        "training",
        "adaptation",
        "cost",
    ),
    *("workflow", "report", "cluster", "cli"),
)


def packages_imported(path: Path) -> set[str]:
    """Return the packages of fgir that a file imports, in functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "fgir" else [f"fgir.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("fgir.")}
    return found & set(LAYERS)


def test_every_file_is_in_a_package_but_the_entry_of_the_command() -> None:
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(LAYERS)


def test_imports_go_downwards() -> None:
    upwards = [
        f"{path.relative_to(ROOT)} imports {other}"
        for number, layer in enumerate(LAYERS)
        for path in sorted((ROOT / layer).rglob("*.py"))
        for other in sorted(packages_imported(path) & set(LAYERS[number + 1 :]))
    ]

    assert upwards == []
