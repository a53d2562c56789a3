"""What a training says while it goes on, and what of it stays when it is stopped."""

import shutil
import signal
import time
from pathlib import Path

import pandas
import pytest
from small_training import MODEL, TrainingFiles, spec
from started import Started, start

from fgir.results.failures import sentence_of
from fgir.specs import EvaluationSpec, RunSpec
from fgir.study import GREY
from fgir.training import progress
from fgir.training.finished import keep, put_back
from fgir.training.progress import EpochBar
from fgir.training.train import Inputs, train_run
from fgir.utils.log import carry_on
from fgir.utils.signals import EXIT_CODE


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TrainingFiles:
    return TrainingFiles(tmp_path_factory.mktemp("letters"))


def train(files: TrainingFiles, spec: RunSpec, folder: Path) -> Started:
    """Train as Snakemake's job does, which deletes the log before it starts."""
    log = folder / "logs/run.log"
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    return start(files.arguments(spec, folder, out=folder / "run", log=log), log=log)


def test_a_log_goes_on_after_a_resume_and_the_history_is_readable_meanwhile(
    files: TrainingFiles, tmp_path: Path
) -> None:
    run, work, log = spec("finetuned", epochs=12), tmp_path / "work", tmp_path / "logs/run.log"

    process = train(files, run, tmp_path)
    while not (work / "history.parquet").exists():
        assert process.poll() is None, log.read_text()
        time.sleep(0.01)
    meanwhile = pandas.read_parquet(work / "history.parquet")
    process.send_signal(signal.SIGUSR1)
    stopped, resumed = process.ended(), train(files, run, tmp_path).ended()

    assert stopped.returncode == EXIT_CODE
    assert resumed.returncode == 0, resumed.stderr
    assert list(meanwhile.epoch) == list(range(1, len(meanwhile) + 1))
    text = log.read_text()
    said = [text.index(words) for words in ("epoch 1/12", "SIGUSR1 received", "Going on from epoch", "epoch 12/12")]
    assert said == sorted(said)
    assert text.count("epoch 1/12") == 1
    history = pandas.read_parquet(tmp_path / "run/history.parquet")
    pandas.testing.assert_frame_equal(meanwhile, history[: len(meanwhile)])
    assert not (work / "history.parquet").exists()


def test_a_run_that_has_ended_shows_its_whole_log_again_and_a_forced_one_begins_anew(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work, log, results = tmp_path / "work", tmp_path / "run.log", tmp_path / "train.parquet"
    work.mkdir()
    results.write_text("a row")
    log.write_text("epoch 1/1\n")
    carry_on(work, log)
    keep(work, "this run", [results])
    log.unlink()  # as Snakemake does before it starts the job again
    log.write_text("")

    carry_on(work, log)
    before = capfd.readouterr().err
    recalled = put_back(work, "this run", tmp_path / "out")
    shown = capfd.readouterr().err
    shutil.rmtree(work / "finished")
    carry_on(work, log)

    assert (before, recalled) == ("", True)
    assert shown.startswith("epoch 1/1\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["train.parquet"]
    assert capfd.readouterr().err == ""


def test_why_an_earlier_process_failed_is_not_why_this_one_did(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work, log = tmp_path / "work", tmp_path / "run.log"
    work.mkdir()
    log.write_text("epoch 1/9\nfgir train: The disk is full.\n")
    carry_on(work, log)
    assert sentence_of(log) == "The disk is full."
    log.unlink()
    log.touch()

    carry_on(work, log)
    log.write_text(f"{capfd.readouterr().err}epoch 2/9\n")  # and then it is killed

    assert log.read_text().startswith("epoch 1/9\nfgir train: The disk is full.\n---- ")
    assert sentence_of(log).startswith("its log ends without an error")


def test_an_evaluation_says_what_it_measured_and_where_it_stands(
    files: TrainingFiles, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from fgir.evaluation.evaluate import evaluate

    train_run(spec("finetuned", epochs=1), files.inputs(tmp_path), None, tmp_path / "run")
    asked = EvaluationSpec(
        **{"recipe": 1, "dataset": "letters", "classes": 3, "model": MODEL, "regime": "finetuned"},
        **{"train_size": 64, "test_size": 64, "side": 72, "adaptation": "none", "seed": 1, "pixels": "store"},
        **{"background": GREY},
        **{"cal": None, "precision": "auto"},
    )
    metrics = tmp_path / "metrics.parquet"

    evaluate(asked, {"finetuned": metrics}, tmp_path / "run", files.split, files.pixels, 0)

    top1 = pandas.read_parquet(metrics).top1[0]
    expected = f"tested at 64 px: top-1 {top1:.2f} % of 6 images, 1 view; written to {metrics}"
    assert expected in capfd.readouterr().err


def test_a_long_epoch_leaves_a_line_at_each_tenth_but_not_too_soon(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    bar = EpochBar(epochs=2, steps=100)
    bar.start(1, 0)

    for step in range(100):
        now += 2
        bar.loss = 1.5 if step >= 50 else None
        bar.advance(1)

    # A tenth takes 20 s: every second one is far enough from the last line.
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "epoch 2/2  step 20/100  0.50 steps/s",
        "epoch 2/2  step 40/100  0.50 steps/s",
        "epoch 2/2  step 60/100  loss 1.500  0.50 steps/s",
        "epoch 2/2  step 80/100  loss 1.500  0.50 steps/s",
    ]


def test_a_tenth_that_takes_hours_does_not_look_as_if_nothing_happened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    bar = EpochBar(epochs=1, steps=100_000)
    bar.start(0, 0)

    for _ in range(1000):
        now += 2
        bar.advance(1)

    assert capsys.readouterr().err.count("steps/s") == 3


def test_short_epochs_leave_a_line_each(
    files: TrainingFiles, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    inputs = Inputs(files.split, files.weights, files.pixels, tmp_path / "work", workers=0)

    train_run(spec("frozen", epochs=2), inputs, None, tmp_path / "run")

    said = capfd.readouterr().err
    assert (said.count("epoch 1/2"), said.count("epoch 2/2"), said.count("steps/s")) == (1, 1, 0)
