"""The text of rules' commands: Snakemake takes a change for changed code, and runs every finished job again."""

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden/commands.json"
_RULE = re.compile(r"^ *rule (\w*):|^ *name:\n *EVALUATION\.(rule)$", re.MULTILINE)
_SHELL = re.compile(r"^( *)shell:\n((?:\1 +\".*\"\n?)+)", re.MULTILINE)


def commands() -> dict[str, str]:
    """The text of each rule's command; the rules of evaluations share one, as ``evaluate``."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        text = file.read_text()
        for shell in _SHELL.finditer(text):
            name = [match[1] or "evaluate" for match in _RULE.finditer(text, 0, shell.start())][-1]
            found[name] = ast.literal_eval(f"({shell[2]})")
    return found


def test_no_command_of_a_rule_has_changed_which_would_run_its_finished_jobs_again() -> None:
    golden = json.loads(GOLDEN.read_text())

    today = commands()

    assert today.keys() >= golden.keys()
    assert {name: today[name] for name in golden} == golden
