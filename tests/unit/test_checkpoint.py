from pathlib import Path

import pytest
import torch

from fgir.training.checkpoint import Checkpoint, read_checkpoint, remove_checkpoints, write_checkpoint


def state(value: float) -> Checkpoint:
    return Checkpoint({"weight": torch.full((3,), value)}, {"epoch": value, "history": [[0.1, 1 / 3]]})


def test_what_was_written_is_read_to_the_bit(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "run", state(1 / 3))

    read = read_checkpoint(tmp_path, "run")

    assert read is not None
    assert torch.equal(read.tensors["weight"], state(1 / 3).tensors["weight"])
    assert read.numbers == state(1 / 3).numbers


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_file_is_replaced_by_the_one_before_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    write_checkpoint(tmp_path, "run", state(1))
    write_checkpoint(tmp_path, "run", state(2))
    newest = tmp_path / "newest.state"
    content = bytearray(newest.read_bytes())
    content[-40] ^= 1
    newest.write_bytes({"cut": content[:-7], "flip": content, "empty": b""}[damage])

    read = read_checkpoint(tmp_path, "run")

    assert read is not None
    assert read.numbers["epoch"] == 1
    assert "newest.state is not used: it is damaged" in capsys.readouterr().err


def test_a_state_of_another_run_is_refused_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_checkpoint(tmp_path, "run", state(1))

    read = read_checkpoint(tmp_path, "another run")

    assert read is None
    assert "belongs to another spec" in capsys.readouterr().err


def test_a_writer_killed_between_its_renames_leaves_the_state_before(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "run", state(1))
    write_checkpoint(tmp_path, "run", state(2))
    (tmp_path / "newest.state").rename(tmp_path / "previous.state")

    read = read_checkpoint(tmp_path, "run")

    assert read is not None
    assert read.numbers["epoch"] == 2


def test_nothing_is_left_after_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    write_checkpoint(folder, "run", state(1))
    write_checkpoint(folder, "run", state(2))

    remove_checkpoints(folder)

    assert not folder.exists()


def test_no_state_is_no_error(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path / "nothing", "run") is None
