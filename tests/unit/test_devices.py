import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from started import Started

import fgir
from fgir.results.parquet import arrow_schema, table_of
from fgir.utils import devices

CPU = torch.device("cpu")


def test_the_gpu_is_chosen_where_there_is_one():
    assert devices.choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_float32_is_float32_on_a_gpu_too():
    torch.backends.cudnn.allow_tf32 = True

    devices.choose_device()

    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_a_cpu_computes_in_float32_whatever_is_asked():
    for precision in ("auto", "fp32"):
        with devices.autocast(CPU, precision):
            product = torch.ones(2, 2) @ torch.ones(2, 2)
        assert product.dtype == torch.float32
        assert devices.precision_of(CPU, precision) == "fp32"


def test_a_gpu_computes_in_float16_only_when_the_choice_is_free():
    gpu = torch.device("cuda")

    assert devices.precision_of(gpu, "auto") == "fp16"
    assert devices.precision_of(gpu, "fp32") == "fp32"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_autocast_on_a_gpu_multiplies_in_float16():
    matrix = torch.ones(2, 2, device="cuda")

    with devices.autocast(matrix.device, "auto"):
        assert (matrix @ matrix).dtype == torch.float16
    with devices.autocast(matrix.device, "fp32"):
        assert (matrix @ matrix).dtype == torch.float32


def test_conditions_fill_their_columns_of_the_tables():
    found = devices.conditions(CPU, "auto")

    for table in ("timing", "metrics", "train"):
        names = arrow_schema(table).names
        start = names.index("device")
        assert names[start : start + len(found)] == list(found)
        table_of(table, [found])
    assert found["device"]
    assert found["driver"] is None
    assert found["precision"] == "fp32"
    assert found["memory_format"] == "channels_last"
    assert found["threads"] == torch.get_num_threads()
    assert found["torch"] == torch.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", found["timm"])
    assert re.fullmatch(re.escape(fgir.__version__) + r"(\+g[0-9a-f]{7,}(\.dirty)?)?", found["fgir"])


def version_in(folder: Path) -> str:
    """The version of fgir that a copy of the package in ``folder`` says, in a process of its own."""
    command = "import fgir, fgir.utils.revision; print(fgir.__version__ + fgir.utils.revision.revision())"
    run = subprocess.run([sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_revision_is_that_of_our_checkout_and_of_no_other(tmp_path):
    shutil.copytree(Path(fgir.__file__).parent, tmp_path / "fgir", ignore=shutil.ignore_patterns("__pycache__"))
    git(tmp_path, "init")
    (tmp_path / "notes").write_text("of something else")
    git(tmp_path, "add", "notes")
    git(tmp_path, "commit", "-m", "a checkout in which the package merely lies")
    untracked = version_in(tmp_path)
    git(tmp_path, "add", "fgir/*.py")
    git(tmp_path, "commit", "-m", "a checkout of the package")
    tracked = version_in(tmp_path)
    (tmp_path / "notes").write_text("changed")
    changed = version_in(tmp_path)

    revision = git(tmp_path, "rev-parse", "--short", "HEAD")
    assert untracked == fgir.__version__
    assert tracked == f"{fgir.__version__}+g{revision}"
    assert changed == f"{tracked}.dirty"


def test_peak_memory_holds_what_was_taken_and_given_back():
    done = Started(_take_and_give_back, 64 * 2**20).ended()

    assert done.returncode == 0, done.stderr
    # What else a process takes and gives back meanwhile is a few megabytes.
    assert 60 * 2**20 < int(done.stdout) < 80 * 2**20


def _take_and_give_back(size: int) -> None:
    before = devices.peak_memory(CPU)
    taken = np.ones(size, np.uint8)
    del taken
    print(devices.peak_memory(CPU) - before)


def test_peak_memory_is_not_that_of_the_process_that_started_this_one():
    command = "from fgir.utils.resident import peak; print(peak())"
    run = subprocess.run(
        [sys.executable, "-c", command], cwd=Path(fgir.__file__).parents[1], capture_output=True, text=True, check=True
    )

    # Python alone takes about 15 MB; ours has loaded torch.
    assert 2**22 < int(run.stdout) < 2**26
    assert devices.peak_memory(CPU) > 2**27


def test_reset_forgets_an_earlier_peak_where_the_system_can():
    done = Started(_take_give_back_and_reset, 64 * 2**20).ended()

    assert done.returncode == 0, done.stderr
    if done.stdout.strip() == "kept":
        pytest.skip("this system keeps the peak")
    assert int(done.stdout) > 32 * 2**20


def _take_give_back_and_reset(size: int) -> None:
    taken = np.ones(size, np.uint8)
    before = devices.peak_memory(CPU)
    del taken
    try:
        Path("/proc/self/clear_refs").write_text("1")
    except OSError:
        print("kept")
        return
    devices.reset_peak_memory(CPU)
    print(before - devices.peak_memory(CPU))
