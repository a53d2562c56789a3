"""Find the commit of this package."""

import subprocess
from functools import cache
from pathlib import Path


@cache
def revision() -> str:
    """Return ``+g<commit>`` in a checkout of this package, with ``.dirty`` if files were changed; else nothing."""
    git = ["git", "--no-optional-locks", "-C", str(Path(__file__).parent)]
    # Asked first: an installed package may lie inside a checkout of something else.
    ours = [*git, "ls-files", "--error-unmatch", Path(__file__).name]
    describe = [*git, "describe", "--always", "--dirty=.dirty", "--exclude=*"]
    try:
        subprocess.run(ours, check=True, capture_output=True, timeout=10)
        answer = subprocess.run(describe, check=True, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"+g{answer.stdout.strip()}"
