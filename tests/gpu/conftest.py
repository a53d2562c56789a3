"""Tests of what a GPU alone can show: make gpu. With --device cpu they run on a CPU, but for what cannot."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

# cuBLAS reads it at its first use, which may be in a test that asks for nothing.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import pytest
import torch
from gpu_files import Files

TINY = {"conv": "test_efficientnet.r160_in1k", "vit": "test_vit.r160_in1k"}
# Small enough for seconds, real enough to have every kind of operator.
SMALL = {"conv": "resnet18.a1_in1k", "vit": "vit_tiny_patch16_224.augreg_in21k"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", choices=["cuda", "cpu"], default="cuda", help="where tests/gpu run")
    parser.addoption("--rows", type=Path, help="append what tests/gpu find to this file, a line of JSON each")
    parser.addoption("--quick", action="store_true", help="tests/gpu with tiny models")


def pytest_configure(config: pytest.Config) -> None:
    if _option(config, "--device", "cuda") == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    config.addinivalue_line("markers", "cuda: cannot be run on a CPU")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = not torch.cuda.is_available()
    wanted = _option(config, "--device", "cuda") == "cuda"
    for item in items:
        if "gpu" in item.path.parts and missing and (wanted or item.get_closest_marker("cuda")):
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if _rows is None or not (report.when == "call" or report.skipped or report.failed):
        return
    said = str(getattr(report.longrepr, "reprcrash", "") or report.longrepr or "").strip().splitlines()
    name = report.nodeid.partition("::")[2]
    row = {"test": name, "outcome": report.outcome, "seconds": round(report.duration, 1)}
    found = [{"table": table, "row": cells} for table, cells in report.user_properties]
    lines = [{"table": "Tests", "row": row | {"why": said[-1][:200] if said else ""}}, *found]
    with _rows.open("a") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)


_rows: Path | None = None


def pytest_sessionstart(session: pytest.Session) -> None:
    global _rows
    _rows = _option(session.config, "--rows", None)


def _option(config: pytest.Config, name: str, default):
    # Where tests/gpu is one of several folders asked for, its options come too late to be known.
    return config.getoption(name, default=default)


@pytest.fixture(scope="session")
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Letters, and a convolutional network and a transformer to train on them."""
    quick = _option(request.config, "--quick", False)
    folder = tmp_path_factory.mktemp("letters")
    backbones, size, each = (TINY, 64, 8) if quick else (SMALL, 96, 16)
    return Files(folder, backbones, size, each, epochs=2 if quick else 5)


@pytest.fixture
def on_gpu() -> bool:
    return torch.cuda.is_available()


@pytest.fixture(autouse=True)
def sync_debug_mode() -> Iterator[None]:
    """Whatever a test does, the next may wait for the device again."""
    yield
    if torch.cuda.is_available():
        torch.cuda.set_sync_debug_mode("default")
