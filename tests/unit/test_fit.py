"""Training of one run: killed anywhere it ends in the same bits; what goes wrong is said."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_training import TrainingFiles, spec, stopped
from started import run, start

from fgir.data.manifest import read_root
from fgir.data.pixels import write_store
from fgir.results.parquet import read_row, read_rows, write_rows
from fgir.specs import ChoiceSpec, PixelsSpec, RunSpec, SearchSpec
from fgir.study import Regime
from fgir.training.search import choose
from fgir.training.train import train_candidates, train_run
from fgir.utils.signals import EXIT_CODE


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TrainingFiles:
    return TrainingFiles(tmp_path_factory.mktemp("letters"))


def train(files: TrainingFiles, spec: RunSpec, folder: Path) -> None:
    train_run(spec, files.inputs(folder), None, folder)


def searched(folder: Path, *tried: float, chosen: float) -> Path:
    """The outcome of a search among the rates tried."""
    files = [folder / f"lr{rate:g}.parquet" for rate in tried]
    for rate, file in zip(tried, files, strict=True):
        row = {"learning_rate": rate, "train_top1": 90.0, "val_loss": abs(rate - chosen), "status": "ok"}
        write_rows("candidate", [row], file)
    choice = ChoiceSpec(dataset="letters", backbone="net", regime="frozen", train_size=64, min_train_top1=50)
    choose(choice, files, folder / "best.parquet")
    return folder / "best.parquet"


@pytest.mark.parametrize("regime", ["frozen", "finetuned", "cal", "calmix"])
def test_every_regime_trains_and_says_what_it_cost(files: TrainingFiles, tmp_path: Path, regime: Regime) -> None:
    train(files, spec(regime, epochs=2), tmp_path)

    row, history = read_row("train", tmp_path / "train.parquet"), read_rows("history", tmp_path / "history.parquet")
    # 48 images: 12 batches of 4, or for calmix 24 of 2 pairs.
    steps = {"calmix": 24}.get(regime, 12)
    assert (row["status"], row["steps"], row["images"]) == ("ok", 2 * steps, 2 * steps * 4)
    assert [epoch["epoch"] for epoch in history] == [1, 2]
    assert 0 < row["epoch_seconds"] < row["job_seconds"]
    assert row["peak_memory"] > 2**20
    assert (row["trainable"] < row["parameters"]) == (regime == "frozen")
    assert row["weights"] == "none (random)"
    assert not list((tmp_path / "work").glob("*.state"))


def test_random_resized_crops_of_a_store_train_the_run_that_those_of_files_do(
    files: TrainingFiles, tmp_path: Path
) -> None:
    root, ragged = read_root(files.source), tmp_path / "whole.ragged"
    write_store(PixelsSpec(recipe=1, dataset="letters"), root, files.split, ragged, 1)
    of_fixres = spec("finetuned", epochs=1).model_copy(update={"crops": "fixres", "side": 73})
    for name, images in {"stored": ragged, "decoded": files.source}.items():
        train_run(of_fixres, files.inputs(tmp_path / name)._replace(images=images), None, tmp_path / name)
    train(files, spec("finetuned", epochs=1), tmp_path / "square")

    stored, decoded, square = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("stored", "decoded", "square")
    )
    row = read_row("train", tmp_path / "stored" / "train.parquet")
    assert row["crops"] == "fixres"
    assert stored == decoded != square


def test_repeated_images_change_a_run_and_not_its_length(files: TrainingFiles, tmp_path: Path) -> None:
    for repeats in (1, 3):
        train(files, spec("finetuned", epochs=1, repeats=repeats), tmp_path / str(repeats))

    once, thrice = (read_row("train", tmp_path / str(repeats) / "train.parquet") for repeats in (1, 3))
    assert (once["steps"], once["images"]) == (thrice["steps"], thrice["images"])
    assert once["train_loss"] != thrice["train_loss"]


def test_killed_and_warned_at_any_moment_a_run_ends_in_the_same_bits(files: TrainingFiles, tmp_path: Path) -> None:
    long, folder = spec(epochs=10), tmp_path / "stopped"
    train(files, long, tmp_path / "whole")
    kills = [(signal.SIGKILL, pause) for pause in (0.0, 0.05, 0.2)]
    warnings = [(number, 0.0) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)]

    ended = [stopped(start(files.arguments(long, folder)), folder, number, pause) for number, pause in kills + warnings]
    done = run(files.arguments(long, folder))

    assert [one.returncode for one in ended] == [-signal.SIGKILL] * 3 + [EXIT_CODE] * 3
    assert done.returncode == 0, done.stderr
    assert read_row("train", folder / "train.parquet")["resumes"] == 6
    assert all("Going on from epoch" in one.stdout for one in (*ended[1:], done))
    # A kill loses the epoch that it falls in; a warning saves in the middle of it.
    assert all(", step 0, " in one.stdout for one in ended[1:4])
    assert any(", step 0, " not in one.stdout for one in (*ended[4:], done))
    assert (folder / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()


def test_a_warning_while_torch_is_imported_is_heeded_at_the_first_update(files: TrainingFiles, tmp_path: Path) -> None:
    arguments = files.arguments(spec("finetuned", epochs=1), tmp_path)
    process = subprocess.Popen([sys.executable, "-m", "fgir", *arguments], stderr=subprocess.PIPE, text=True)
    maps = Path(f"/proc/{process.pid}/maps")
    while "libtorch" not in maps.read_text():
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR1)
    _, printed = process.communicate()

    done = run(arguments)

    assert process.returncode == EXIT_CODE, printed
    assert "Going on from epoch 1, step 1," in done.stdout


def test_the_state_of_another_learning_rate_is_not_taken_up(files: TrainingFiles, tmp_path: Path) -> None:
    stopped(start(files.arguments(spec("finetuned", epochs=30), tmp_path)), tmp_path, signal.SIGKILL)

    done = run(files.arguments(spec("finetuned", epochs=1, rate=0.02), tmp_path))

    assert done.returncode == 0, done.stderr
    assert "belongs to another spec" in done.stderr
    assert read_row("train", tmp_path / "train.parquet")["resumes"] == 0


def test_a_non_finite_loss_ends_the_run_with_a_row_that_says_so(files: TrainingFiles, tmp_path: Path) -> None:
    train(files, spec("finetuned", rate=1e30, clip_norm=1e30), tmp_path)

    row = read_row("train", tmp_path / "train.parquet")
    assert row["status"] == "diverged"
    assert "non-finite" in row["error"]


def test_gradients_of_small_batches_add_up_to_those_of_a_large_one(files: TrainingFiles, tmp_path: Path) -> None:
    # Fine-tuning in float32 without batch statistics would be equal to rounding; batch-norm sees other batches, so
    # the frozen regime is compared, whose backbone is in evaluation mode.
    small = spec("frozen", epochs=1, accumulation=2)
    large = small.model_copy(
        update={"training": small.training.model_copy(update={"batch_size": 8, "accumulation": 1})}
    )

    for name, one in (("small", small), ("large", large)):
        train(files, one, tmp_path / name)

    rows = {name: read_row("train", tmp_path / name / "train.parquet") for name in ("small", "large")}
    assert rows["small"]["steps"] == rows["large"]["steps"] == 6
    # The same 48 images in the same order; sums of float32 differ in their order.
    assert rows["small"]["train_loss"] == pytest.approx(rows["large"]["train_loss"], rel=1e-5)


def test_a_candidate_is_judged_on_val(files: TrainingFiles, tmp_path: Path) -> None:
    one = spec("cal", epochs=1).model_copy(update={"part": "train"})

    train_candidates(SearchSpec(run=one, learning_rates=[0.01]), files.inputs(tmp_path), tmp_path / "candidate.parquet")

    row = read_row("candidate", tmp_path / "candidate.parquet")
    assert row["status"] == "ok"
    assert row["val_loss"] > 0
    assert row["chosen"] is None


def test_a_run_says_where_its_learning_rate_lies_among_the_candidates_of_today(
    files: TrainingFiles, tmp_path: Path
) -> None:
    frozen = spec("frozen", epochs=1).model_copy(update={"learning_rate": None})

    train_run(frozen, files.inputs(tmp_path), searched(tmp_path, 0.1, 0.01, chosen=0.1), tmp_path)
    first = read_row("train", tmp_path / "train.parquet")
    train_run(frozen, files.inputs(tmp_path), searched(tmp_path, 0.3, 0.1, 0.01, chosen=0.1), tmp_path)
    again = read_row("train", tmp_path / "train.parquet")

    assert (first["learning_rate_origin"], first["learning_rate_edge"]) == ("tuned", "highest")
    # The run itself was put back: the rate that was chosen is the same.
    assert again == first | {"learning_rate_edge": None}
