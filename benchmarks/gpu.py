"""All that a GPU alone can show of the suite, in one report: tests/gpu, steps, runs side by side, costs. make gpu.

Each part is a process with a limit of its own; one that fails or hangs does not stop the others, and the report is
written anew as they go, so that what was found before an interruption is kept. Weights are random, images are rendered
from typefaces: nothing is downloaded. With --device cpu --quick everything runs, in minutes, to show that it runs.
"""

import argparse
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
NEEDED = (
    *("torch", "torchvision", "timm", "numpy", "pandas", "pyarrow", "pydantic", "yaml", "rich", "safetensors", "PIL"),
    *("matplotlib", "fvcore", "pytest"),
)
INSTALLED_AS = {"yaml": "pyyaml", "PIL": "pillow"}


class Task(NamedTuple):
    """A part of the report: the question that it answers, its command and its limit of seconds."""

    name: str
    question: str
    command: list[str]
    seconds: int


TASKS = [
    Task("tests", "Does training on a GPU do what it does on a CPU?", ["-m", "pytest", "tests/gpu"], 180),
    Task("steps", "What does a step wait for, and does it end in the same bits?", ["benchmarks/gpu_steps.py"], 130),
    Task("side-by-side", "Are several runs on one GPU faster?", ["benchmarks/gpu_side_by_side.py"], 110),
    Task("cost", "Do multiply-adds say how long inference takes?", ["benchmarks/gpu_cost.py"], 240),
]


def main() -> None:
    options = arguments()
    missing = [INSTALLED_AS.get(name, name) for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"{sys.executable} has no {', '.join(missing)}; install with: pip install {' '.join(missing)}")
    if options.device == "cuda" and (why := no_gpu()):
        return print(f"Skipped: {why}. With --device cpu --quick it shows on a CPU that it runs, and measures nothing.")
    end = time.monotonic() + 60 * options.minutes
    report = Report(options)
    report.write()
    tasks = [task for task in TASKS if task.name in (options.parts or [task.name])]
    for task in tasks:
        print(f"{task.name}: {task.question}", flush=True)
        report.of(task, end)
    report.ended = True
    report.write()
    print(f"Report: {options.out}")


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="where to measure (default cuda)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only whether all of it runs")
    parser.add_argument("--minutes", type=float, default=8, help="limit of all parts together (default 8)")
    parser.add_argument("--parts", nargs="+", choices=[task.name for task in TASKS], help="these alone (default: all)")
    parser.add_argument("--out", type=Path, default=Path("report-gpu.md"), help="the report (default report-gpu.md)")
    return parser.parse_args()


def no_gpu() -> str | None:
    """Return why there is no GPU to measure on; None where there is one."""
    import torch

    if torch.cuda.is_available():
        return None
    built = torch.version.cuda or "none"
    return f"torch {torch.__version__} (CUDA {built}) finds no GPU on this machine"


class Report:
    """The file, written anew whenever a part has more to say."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.ended = options, False
        self.machine = machine(options)
        self.parts: list[list[str]] = []
        options.out.parent.mkdir(parents=True, exist_ok=True)

    def of(self, task: Task, end: float) -> None:
        """Run a part until it ends or its time is over, and write its report meanwhile."""
        self.parts.append([])
        # On a CPU the limit of all of them is enough: nothing is measured there.
        seconds = min(task.seconds if self.options.device == "cuda" else 3600, end - time.monotonic())
        if seconds < 15:
            self._tell(task, [], "left out: the time was over", "")
            return
        with tempfile.TemporaryDirectory() as folder:
            rows, log = Path(folder) / "rows", Path(folder) / "log"
            start = time.monotonic()
            with log.open("w") as stream:
                process = start_part(task, self.options, rows, seconds, stream)
            try:
                while (running := process.poll() is None) and time.monotonic() - start < seconds:
                    time.sleep(0.5)
                    self._tell(task, read(rows), "under way", "")
            finally:
                stop(process)
            code = process.returncode
            status = f"stopped after its limit of {seconds:.0f} s" if running else "done" if code == 0 else "failed"
            text = f"{status}, {time.monotonic() - start:.0f} s"
            said = "" if code == 0 else "\n".join(log.read_text(errors="replace").strip().splitlines()[-15:])
            self._tell(task, read(rows), text, said)
        print(f"  {text}", flush=True)

    def _tell(self, task: Task, records: list[dict[str, Any]], status: str, said: str) -> None:
        lines = [f"## {task.name}: {task.question}", "", f"({status})", ""]
        for title in dict.fromkeys(record["table"] for record in records if "table" in record):
            lines += [f"**{title}**", "", *table([one["row"] for one in records if one.get("table") == title]), ""]
        lines += [line for record in records if "note" in record for line in (record["note"], "")]
        if said:
            lines += ["Its last words:", "", "```", said, "```", ""]
        self.parts[-1] = lines
        self.write()

    def write(self) -> None:
        """Write the report, whole or not at all."""
        state = "complete" if self.ended else "not complete: under way, or interrupted"
        lines = ["# The suite on a GPU", "", f"({state})", "", *table([self.machine]), ""]
        if self.options.device == "cpu":
            lines += ["Made on a CPU, to show that it runs: what concerns a GPU **needs a GPU**.", ""]
        text = "\n".join([*lines, *(line for part in self.parts for line in part)])
        temporary = self.options.out.with_name(f".{self.options.out.name}.new")
        temporary.write_text(text + "\n")
        temporary.replace(self.options.out)


def machine(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the figures depend on: card, driver, versions, revision, cores."""
    import timm
    import torch

    sys.path.insert(0, str(ROOT))
    from fgir.utils.devices import conditions

    found = conditions(torch.device(options.device), "auto")
    return {
        "device": found["device"],
        "driver": asked("driver_version"),
        "CUDA": found["driver"] or "needs a GPU",
        "memory": asked("memory.total"),
        "torch": torch.__version__,
        "timm": timm.__version__,
        "fgir": found["fgir"],
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "Python": platform.python_version(),
    }


def asked(what: str) -> str:
    """Return what nvidia-smi says of the first GPU; the sentence that one is needed where it says nothing."""
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return "needs a GPU"
    return answer.splitlines()[0].strip() if answer.strip() else "needs a GPU"


def start_part(
    task: Task, options: argparse.Namespace, rows: Path, seconds: float, log: Any
) -> "subprocess.Popen[bytes]":
    """Start a part in a session of its own, so that what it starts ends with it."""
    command = [sys.executable, *task.command, "--device", options.device, "--rows", str(rows)]
    command += ["--quick"] * options.quick
    # A part begins nothing more some time before it would be stopped.
    command += [] if task.name == "tests" else ["--seconds", str(max(seconds - 15, 1))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    if options.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a part and all that it started, if it has not ended by itself."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def read(rows: Path) -> list[dict[str, Any]]:
    """Return the rows that a part has handed on, but for one that it is still writing."""
    lines = rows.read_text().splitlines(keepends=True) if rows.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Return rows as a table of Markdown; a row may lack columns of others."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[str(row.get(name, "")).replace("|", "\\|").replace("\n", " ") for name in names] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in (names, ["---"] * len(names), *cells)]


if __name__ == "__main__":
    main()
