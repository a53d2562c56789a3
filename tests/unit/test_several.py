"""Several processes that train one run together: what one process would do with the same batch, however stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_training import TrainingFiles, spec

from fgir import world
from fgir.errors import FgirError
from fgir.schema import read_row, read_rows
from fgir.specs import RunSpec, SearchSpec, canonical
from fgir.study import Regime
from fgir.training.stopping import EXIT_CODE


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TrainingFiles:
    return TrainingFiles(tmp_path_factory.mktemp("letters"))


def run_spec(regime: Regime, batch_size: int, epochs: int = 1) -> RunSpec:
    run = spec(regime, epochs=epochs)
    return run.model_copy(update={"training": run.training.model_copy(update={"batch_size": batch_size})})


def command(files: TrainingFiles, run: RunSpec | SearchSpec, folder: Path, processes: int) -> list[str]:
    verb, out = ("train", folder) if isinstance(run, RunSpec) else ("tune", folder / "rows.parquet")
    options = ["--spec", canonical(run), "--split", files.split, "--weights", files.weights, "--images", files.pixels]
    options += ["--work", folder / "work", "--out", out, "--processes", processes]
    return [sys.executable, "-m", "fgir", verb, *map(str, options)]


def done(files: TrainingFiles, run: RunSpec | SearchSpec, folder: Path, processes: int) -> Path:
    ended = subprocess.run(command(files, run, folder, processes), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return folder


def test_a_step_of_two_processes_is_that_of_one_with_the_same_batch(tmp_path: Path) -> None:
    script = str(Path(__file__).with_name("several_step.py"))
    by_two = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}

    for command, out in (([sys.executable, script], "one"), (by_two, "two")):
        ended = subprocess.run([*command, str(tmp_path / out)], capture_output=True, text=True, env=environment)
        assert ended.returncode == 0, ended.stderr

    one, two = (torch.load(tmp_path / out, weights_only=True) for out in ("one", "two"))
    assert {"finetuned.head.weight", "cal.centre", "calmix.attention.1.running_var"} <= one.keys()
    # Sums over a batch are taken in another order, of doubles; signed square roots enlarge that near zero.
    torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-7)


def test_two_processes_train_what_one_does_with_the_same_batch(files: TrainingFiles, tmp_path: Path) -> None:
    run = run_spec("finetuned", 4)

    one, two = (done(files, run, tmp_path / str(count), count) for count in (1, 2))

    # Sums over a batch are taken in another order, in each of 12 updates.
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (two, one))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    [history], [expected] = (read_rows("history", folder / "history.parquet") for folder in (two, one))
    assert history["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    assert [history[name] for name in ("top1", "images", "steps")] == [
        expected[name] for name in ("top1", "images", "steps")
    ]
    assert [read_row("train", folder / "train.parquet")["processes"] for folder in (two, one)] == [2, 1]


def test_two_processes_search_what_one_does_with_the_same_batch(files: TrainingFiles, tmp_path: Path) -> None:
    run = run_spec("frozen", 4).model_copy(update={"part": "train", "learning_rate": None})
    search = SearchSpec(run=run, learning_rates=[0.1, 0.01])

    one, two = (done(files, search, tmp_path / str(count), count) for count in (1, 2))

    ours, theirs = (read_rows("candidate", folder / "rows.parquet") for folder in (two, one))
    for name in ("learning_rate", "train_top1", "val_top1"):
        assert [row[name] for row in ours] == [row[name] for row in theirs]
    assert [row["val_loss"] for row in ours] == pytest.approx([row["val_loss"] for row in theirs], rel=1e-4)


def test_stopped_in_any_way_two_processes_end_in_the_same_bits(files: TrainingFiles, tmp_path: Path) -> None:
    run, folder = run_spec("finetuned", 4, epochs=15), tmp_path / "stopped"
    whole = done(files, run, tmp_path / "whole", 2)

    codes = [
        _stop(command(files, run, folder, 2), folder, how)
        for how in (
            lambda launcher, trainer: os.kill(launcher, signal.SIGUSR1),
            lambda launcher, trainer: os.kill(trainer, signal.SIGUSR1),
            lambda launcher, trainer: os.kill(trainer, signal.SIGKILL),
        )
    ]
    done(files, run, folder, 2)

    assert codes[:2] == [EXIT_CODE, EXIT_CODE]
    assert codes[2] != 0
    assert read_row("train", folder / "train.parquet")["resumes"] == 3
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    ours, theirs = (read_rows("history", one / "history.parquet") for one in (folder, whole))
    assert [row["top1"] for row in ours] == [row["top1"] for row in theirs]
    assert [row["loss"] for row in ours] == pytest.approx([row["loss"] for row in theirs], rel=1e-9)


def test_a_batch_that_cannot_be_shared_is_refused_in_one_sentence(files: TrainingFiles, tmp_path: Path) -> None:
    refused = subprocess.run(
        command(files, run_spec("calmix", 6), tmp_path, 2), capture_output=True, text=True, check=False
    )

    assert refused.returncode == 1
    assert "A batch of 6 images cannot be shared by 2 processes; make training.batch_size a multiple of 4." in (
        refused.stderr
    )
    assert not list(tmp_path.iterdir())


def test_what_one_of_them_cannot_do_ends_all_with_its_sentence(files: TrainingFiles, tmp_path: Path) -> None:
    lost = [
        str(files.pixels.with_name("lost.npy")) if word == str(files.pixels) else word
        for word in command(files, run_spec("finetuned", 4), tmp_path / "run", 2)
    ]

    failed = subprocess.run(lost, capture_output=True, text=True, check=False)

    assert failed.returncode == 1
    assert "lost.npy" in failed.stderr
    assert not (tmp_path / "run" / "train.parquet").exists()


def test_processes_that_cannot_meet_say_where() -> None:
    script = "from fgir import world\nwith world.joined(2): pass"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        told = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": "0", "LOCAL_RANK": "0"}

        done = subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, **told}, capture_output=True, text=True, check=False
        )

    assert done.returncode == 1
    assert f"FgirError: The processes of this run did not all meet at 127.0.0.1:{port} (" in done.stderr
    assert "MASTER_ADDR and MASTER_PORT must be others" in done.stderr


def test_one_whose_fellow_has_ended_says_so_in_a_sentence() -> None:
    script = (
        "import os, sys, torch\n"
        "from fgir import world\n"
        "from fgir.errors import FgirError\n"
        "try:\n"
        "    with world.joined(2):\n"
        "        world.total(torch.ones(1))\n"  # both are there
        "        world.rank() or os._exit(3)\n"
        "        world.total(torch.ones(1))\n"
        "except FgirError as error:\n"
        "    sys.exit(f'fgir: {error}')\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    fellows = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, **told, "RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]

    said = [fellow.communicate()[1] for fellow in fellows]

    assert [fellow.returncode for fellow in fellows] == [3, 1]
    assert "fgir: Another process of this run has ended" in said[1]
    assert "Traceback" not in said[1]


def _stop(command: list[str], folder: Path, how: Callable[[int, int], None]) -> int:
    """Start the processes, and once they train stop them by ``how`` (launcher's number, first process's number)."""
    lock = folder / "work/lock"
    before = lock.read_text() if lock.exists() else ""
    launcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state, begun = folder / "work/newest.state", time.time()
    while not (state.exists() and state.stat().st_mtime > begun and lock.read_text() != before):
        assert launcher.poll() is None
        time.sleep(0.01)
    how(launcher.pid, json.loads(lock.read_text())["process"])
    return launcher.wait()


def test_two_processes_on_one_gpu_are_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    # NCCL's own words; there is no NCCL without a GPU.
    said = "NCCL error: invalid usage\nLast error:\nDuplicate GPU detected : rank 1 and rank 0 both on CUDA device 1000"

    def refuse(*given: object, **named: object) -> None:
        raise torch.distributed.DistBackendError(said)

    monkeypatch.setattr(torch.distributed, "init_process_group", refuse)

    with pytest.raises(FgirError, match="Two processes of this run were given one GPU"), world.group():
        pass
