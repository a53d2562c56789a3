"""What the parts of benchmarks/gpu.py share: their options, their clock, and the rows that they hand on as they go."""

import argparse
import json
import time
from pathlib import Path
from traceback import extract_tb
from typing import Any


class Part:
    """A part of the report while it is measured, with a limit of seconds that it keeps by itself."""

    def __init__(self, description: str | None) -> None:
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="where to measure (default cuda)")
        parser.add_argument("--quick", action="store_true", help="tiny sizes: only whether it runs to its end")
        parser.add_argument("--seconds", type=float, default=120, help="begin nothing more after so long (default 120)")
        parser.add_argument("--rows", type=Path, help="append rows to this file (default: print them)")
        options = parser.parse_args()
        self.device, self.quick, self.rows = options.device, options.quick, options.rows
        self.on_gpu = self.device == "cuda"
        self._end = time.monotonic() + options.seconds

    def left(self) -> float:
        """Return the seconds that are left."""
        return self._end - time.monotonic()

    def row(self, table: str, **cells: Any) -> None:
        """Add a row to a table of the report."""
        self._hand_on({"table": table, "row": cells})

    def note(self, text: str) -> None:
        """Add a sentence to the report."""
        self._hand_on({"note": text})

    def _hand_on(self, record: dict[str, Any]) -> None:
        if self.rows is None:
            print(json.dumps(record), flush=True)
            return
        with self.rows.open("a") as stream:
            stream.write(json.dumps(record) + "\n")


def reason(error: BaseException) -> str:
    """Return the first line of an error and where it was raised, for a cell of a table."""
    lines = str(error).strip().splitlines()
    frames = [one for one in extract_tb(error.__traceback__) if "/torch/" not in one.filename]
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{where}: {lines[0][:120] if lines else ''}"
