"""Processes that train one run together give what one process gives with the same batch, however they are stopped."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rank_step
import torch
from safetensors.torch import load_file
from small_training import TrainingFiles, spec
from started import Ended, Started, run, start

from fgir.cli.main import main
from fgir.distributed import world
from fgir.distributed.group import as_a_group
from fgir.distributed.launch import launch
from fgir.results.parquet import read_row, read_rows
from fgir.specs import RunSpec, SearchSpec
from fgir.study import Regime
from fgir.training.train import train_candidates, train_run
from fgir.utils.errors import FgirError
from fgir.utils.signals import EXIT_CODE


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TrainingFiles:
    return TrainingFiles(tmp_path_factory.mktemp("letters"))


def run_spec(regime: Regime, batch_size: int, epochs: int = 1) -> RunSpec:
    run = spec(regime, epochs=epochs)
    return run.model_copy(update={"training": run.training.model_copy(update={"batch_size": batch_size})})


def ranks(function: Callable[..., object], *arguments: Any) -> list[Started]:
    """Start two processes as one group, as the tasks of a job's step are; the launcher has tests of its own."""
    meeting = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    environment = as_a_group(dict(os.environ) | meeting, 2)
    return [
        Started(function, *arguments, environment=environment | {"RANK": rank, "LOCAL_RANK": rank}) for rank in "01"
    ]


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def together(files: TrainingFiles, run: RunSpec | SearchSpec, folder: Path) -> Path:
    """Train by two processes to the end."""
    ended = [rank.ended() for rank in ranks(main, files.arguments(run, folder, processes=2))]
    assert [rank.returncode for rank in ended] == [0, 0], ended[0].stderr + ended[1].stderr
    return folder


def test_a_step_of_two_processes_is_that_of_one_with_the_same_batch(tmp_path: Path) -> None:
    alone, both = Started(rank_step.main, tmp_path / "one"), ranks(rank_step.main, tmp_path / "two")

    for process in (alone, *both):
        ended = process.ended()
        assert ended.returncode == 0, ended.stderr

    one, two = (torch.load(tmp_path / out, weights_only=True) for out in ("one", "two"))
    assert {"finetuned.head.weight", "cal.centre", "calmix.attention.1.running_var"} <= one.keys()
    # Sums over a batch are taken in another order, of doubles; signed square roots enlarge that near zero.
    torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-7)


def test_two_processes_train_what_one_does_with_the_same_batch(files: TrainingFiles, tmp_path: Path) -> None:
    run, one = run_spec("finetuned", 4), tmp_path / "one"

    train_run(run, files.inputs(one), None, one)
    two = together(files, run, tmp_path / "two")

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
    search, one = SearchSpec(run=run, learning_rates=[0.1, 0.01]), tmp_path / "one"

    train_candidates(search, files.inputs(one), one / "candidates.parquet")
    two = together(files, search, tmp_path / "two")

    ours, theirs = (read_rows("candidate", folder / "candidates.parquet") for folder in (two, one))
    for name in ("learning_rate", "train_top1", "val_top1"):
        assert [row[name] for row in ours] == [row[name] for row in theirs]
    assert [row["val_loss"] for row in ours] == pytest.approx([row["val_loss"] for row in theirs], rel=1e-4)


def test_stopped_in_any_way_two_processes_end_in_the_same_bits(files: TrainingFiles, tmp_path: Path) -> None:
    run, folder = run_spec("finetuned", 8, epochs=9), tmp_path / "stopped"
    whole, arguments = together(files, run, tmp_path / "whole"), files.arguments(run, folder, processes=2)

    def stopped(processes: list[Started], number: signal.Signals) -> list[Ended]:
        first = trains(processes[0], folder)
        # Of two ranks the first; their launcher, where there is one.
        processes[0].send_signal(number)
        assert first == processes[0].pid or len(processes) == 1
        return [process.ended() for process in processes]

    (launcher,) = stopped([start(arguments)], signal.SIGUSR1)
    warned = stopped(ranks(main, arguments), signal.SIGUSR1)
    killed = stopped(ranks(main, arguments), signal.SIGKILL)
    together(files, run, folder)

    assert launcher.returncode == EXIT_CODE, launcher.stderr
    assert [rank.returncode for rank in warned] == [EXIT_CODE, EXIT_CODE]
    assert [rank.returncode for rank in killed] == [-signal.SIGKILL, 1]
    assert "Another process of this run has ended" in killed[1].stderr
    assert read_row("train", folder / "train.parquet")["resumes"] == 3
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    ours, theirs = (read_rows("history", run / "history.parquet") for run in (folder, whole))
    assert [row["top1"] for row in ours] == [row["top1"] for row in theirs]
    assert [row["loss"] for row in ours] == pytest.approx([row["loss"] for row in theirs], rel=1e-9)


def trains(process: Started, folder: Path) -> int:
    """Wait until the processes have saved a state of their own; the number of the first of them."""
    lock, state, begun = folder / "work/lock", folder / "work/newest.state", time.time()
    before = lock.read_text() if lock.exists() else ""
    while not (state.exists() and state.stat().st_mtime > begun and lock.read_text() != before):
        assert process.poll() is None
        time.sleep(0.01)
    return json.loads(lock.read_text())["process"]


def test_a_batch_that_cannot_be_shared_is_refused_in_one_sentence(files: TrainingFiles, tmp_path: Path) -> None:
    refused = run(files.arguments(run_spec("calmix", 6), tmp_path, processes=2))

    assert refused.returncode == 1
    assert "A batch of 6 images cannot be shared by 2 processes; make training.batch_size a multiple of 4." in (
        refused.stderr
    )
    assert not list(tmp_path.iterdir())


def test_what_they_cannot_do_ends_all_with_its_sentence(files: TrainingFiles, tmp_path: Path) -> None:
    lost = files.arguments(run_spec("finetuned", 4), tmp_path / "run", images=tmp_path / "lost.npy", processes=2)

    failed = [rank.ended() for rank in ranks(main, lost)]

    assert [rank.returncode for rank in failed] == [1, 1]
    assert all("lost.npy" in rank.stderr for rank in failed)
    assert not (tmp_path / "run" / "train.parquet").exists()


def test_the_launcher_ends_as_its_processes_do(tmp_path: Path) -> None:
    failed = Started(_launched, ["show", str(tmp_path / "lost.parquet")]).ended()

    assert (failed.returncode, failed.stdout) == (1, "(1, None)\n")
    # The one that fails first may end the other before that says so, too.
    assert failed.stderr.count("lost.parquet does not exist") in (1, 2)
    assert "Traceback" not in failed.stderr


def test_one_process_that_is_killed_ends_the_other_and_the_launcher(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "study.yaml")  # which nobody writes: they wait
    launcher = Started(_launched, ["check", str(tmp_path / "study.yaml")])

    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children")
    while len(found := children.read_text().split()) < 2:
        assert launcher.poll() is None
        time.sleep(0.01)
    os.kill(int(found[0]), signal.SIGKILL)

    assert launcher.ended().stdout == f"({-signal.SIGKILL}, None)\n"
    assert not Path(f"/proc/{found[1]}").exists()


def _launched(arguments: list[str]) -> None:
    code, warned = launch(2, 1, arguments)
    print((code, warned))
    sys.exit(code)


def test_processes_that_cannot_meet_say_where() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        variables = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": "0", "LOCAL_RANK": "0"}

        done = Started(_meet, environment=os.environ | variables).ended()

    assert done.returncode == 1
    assert f"FgirError: The processes of this run did not all meet at 127.0.0.1:{port} (" in done.stderr
    assert "or set another MASTER_ADDR and MASTER_PORT." in done.stderr


def _meet() -> None:
    with world.joined(2):
        pass


def test_a_rank_whose_other_has_ended_says_so_in_a_sentence() -> None:
    left: list[Ended] = [rank.ended() for rank in ranks(_leave_the_other)]

    assert [rank.returncode for rank in left] == [3, 1]
    assert "fgir: Another process of this run has ended" in left[1].stderr
    assert "Traceback" not in left[1].stderr


def _leave_the_other() -> None:
    try:
        with world.joined(2):
            world.total(torch.ones(1))  # both are there
            if world.rank() == 0:
                os._exit(3)
            world.total(torch.ones(1))
    except FgirError as error:
        sys.exit(f"fgir: {error}")


def test_two_processes_on_one_gpu_are_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    # NCCL's own words; there is no NCCL without a GPU.
    said = "NCCL error: invalid usage\nLast error:\nDuplicate GPU detected : rank 1 and rank 0 both on CUDA device 1000"

    def refuse(*given: object, **named: object) -> None:
        raise torch.distributed.DistBackendError(said)

    monkeypatch.setattr(torch.distributed, "init_process_group", refuse)

    with pytest.raises(FgirError, match="Two processes of this run were given one GPU"), world.group():
        pass
