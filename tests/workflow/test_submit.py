"""Runs sent outside the workflow, on this machine: what Snakemake finds afterwards, and what is refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest
from safetensors.torch import load_file
from tiny import INPUTS, ROOT, STUDY, Bench

from fgir.study import Run
from fgir.training.train import Inputs, train_run
from fgir.utils.lock import owning
from fgir.workflow.graph import Graph

# What a clock measures or a machine is, and so differs from run to run; costs of inference are copied.
MEASURED = ("train_hours", "train_job_hours", "train_memory", "threads")
CAL = "results/runs/letters/net/cal/64/seed1"


def submit(bench: Bench, *arguments: str) -> subprocess.CompletedProcess[str]:
    return bench.fgir("submit", "--local", "--study", "config/study.yaml", *arguments)


@pytest.fixture
def prepared(prepared_study: Bench, tmp_path: Path) -> Bench:
    return prepared_study.copied(tmp_path / "copy")


def test_a_later_snakemake_finds_a_sent_study_done_and_makes_the_same_table(
    prepared: Bench, finished_study: Bench
) -> None:
    sent = submit(prepared, "config/study.yaml", "--parallel", "2")

    assert sent.returncode == 0, sent.stdout
    assert "2 of 2 done" in sent.stdout
    assert prepared.plan("all") == {"all": 1, "macs": 3, "timing": 3, "summary": 1, "figure": 1}
    assert "Nothing is left to send" in submit(prepared, "config/study.yaml").stdout
    assert not list((prepared.folder / "logs/submitit").iterdir())
    # Costs know nothing of runs: those of the other folder will do.
    shutil.copytree(finished_study.folder / "results/cost", prepared.folder / "results/cost")
    done = prepared.snakemake("all")
    assert done.returncode == 0, done.stdout
    assert prepared.plan("all") == {}
    ours, theirs = (
        pandas.read_parquet(bench.folder / "results/summary.parquet").drop(columns=list(MEASURED))
        for bench in (prepared, finished_study)
    )
    pandas.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_only_what_is_named_and_not_done_is_sent(copied_study: Bench) -> None:
    lost = "results/evaluations/letters/net/cal_nc/64-64/seed1"
    shutil.rmtree(copied_study.folder / lost)
    trained = (copied_study.folder / CAL / "train.parquet").stat().st_mtime

    dry = submit(copied_study, "results/cells/letters/net/cal_nc/64-64.parquet", "--dry-run")
    sent = submit(copied_study, "results/cells/letters/net/cal_nc/64-64.parquet", f"{lost}/metrics.parquet")

    assert "letters net cal 64 1 (is trained)" in dry.stdout
    assert "1 of 1 done" in sent.stdout
    assert "evaluate_both letters net cal 64 64 1" in sent.stdout
    assert (copied_study.folder / CAL / "train.parquet").stat().st_mtime == trained
    assert copied_study.plan("results/evaluations/letters/net/cal_nc/64-64/seed1/metrics.parquet") == {}


def test_missing_inputs_are_named_with_the_command_that_makes_them(empty_study: Bench) -> None:
    empty_study.write(STUDY)

    refused = submit(empty_study, "config/study.yaml")

    assert refused.returncode == 1
    sentence, made_by = refused.stdout.splitlines()
    assert "results/data/letters/split.parquet and 3 other inputs are not there yet" in sentence
    words = made_by.split()
    assert words[:5] == ["snakemake", "--configfile", "config/study.yaml", "--profile", "profiles/local"]
    assert set(words[5:]) == set(INPUTS)
    assert "train" not in empty_study.plan(*words[5:])
    assert not (empty_study.folder / "logs").exists()


def test_a_run_that_another_process_trains_is_not_sent(prepared: Bench) -> None:
    with owning(prepared.folder / "work/runs/letters/net/cal/64/seed1"):
        printed = submit(prepared, CAL).stdout

    assert f"process {os.getpid()}" in printed
    assert "Nothing is left to send" in printed


def test_a_run_trained_with_other_options_is_left_to_snakemake(copied_study: Bench) -> None:
    copied_study.write(STUDY | {"training": STUDY["training"] | {"epochs": 2}})

    refused = submit(copied_study, CAL)

    assert refused.returncode == 1
    assert "was trained with other options" in refused.stdout


@pytest.mark.parametrize(
    ("target", "printed"),
    [
        ("results/runs/letter/net/cal/64/seed1", 'no dataset "letter"; did you mean "letters"?'),
        ("results/runs/letters/net/calmix/64/seed1", 'no regime "calmix"'),
        ("results/summary.parquet", "neither a study file (.yaml) nor a path like"),
    ],
)
def test_a_target_that_names_no_run_is_refused_in_one_sentence(copied_study: Bench, target: str, printed: str) -> None:
    refused = submit(copied_study, target)

    assert refused.returncode == 1
    assert printed in refused.stdout
    assert len(refused.stdout.splitlines()) == 1


def test_a_run_that_fails_is_shown_with_the_last_line_of_its_log(prepared: Bench) -> None:
    (prepared.folder / "results/weights/net.safetensors").write_text("no weights")

    failed = submit(prepared, CAL)
    shown = prepared.fgir("jobs").stdout

    assert failed.returncode == 1
    assert "1 of 1 run failed" in failed.stdout
    assert "FAILED" in shown
    assert "train letters net cal 64 1" in shown
    assert "logs/submitit/" in shown


def test_ctrl_c_saves_the_state_and_the_same_command_goes_on_to_the_same_bits(
    prepared_study: Bench, tmp_path: Path
) -> None:
    longer = {"training": STUDY["training"] | {"epochs": 40}}
    disturbed, calm = prepared_study.copied(tmp_path / "disturbed", **longer), tmp_path / "calm"
    work = disturbed.folder / "work/runs/letters/net/cal/64/seed1"
    process = subprocess.Popen(
        [sys.executable, "-m", "fgir", "submit", "--local", "--study", "config/study.yaml", CAL],
        cwd=disturbed.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # As in a terminal: what a script runs in the background does not hear Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not (work / "newest.state").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    # However slow the machine, the training has not ended while it is looked at.
    training = json.loads((work / "lock").read_text())["process"]
    os.kill(training, signal.SIGSTOP)
    shown = disturbed.fgir("jobs").stdout
    refused = disturbed.snakemake(f"{CAL}/train.parquet")

    os.killpg(process.pid, signal.SIGINT)
    os.kill(training, signal.SIGCONT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "the same command resumes them" in errors
    assert "RUNNING" in shown
    assert "1 run of fgir submit still goes on on this machine." in refused.stdout
    assert not json.loads((work / "lock").read_text())["job"]
    done = submit(disturbed, CAL)
    assert done.returncode == 0, done.stdout
    train_here(disturbed.graph(STUDY | longer), calm)
    resumes = [pandas.read_parquet(run / "train.parquet").resumes[0] for run in (disturbed.folder / CAL, calm)]
    assert resumes == [1, 0]
    ours, theirs = (load_file(run / "model.safetensors") for run in (disturbed.folder / CAL, calm))
    assert all(ours[name].equal(theirs[name]) for name in theirs)


def train_here(graph: Graph, out: Path) -> None:
    """Train the run of CAL in this process, without a stop."""
    kind, run = graph["train"], Run("letters", "net", "cal", 64, 1)
    read = {name: Path(str(path)) for name, path in kind.inputs(run).items()}
    inputs = Inputs(read["split"], read["weights"], read["images"], out / "work", workers=1)
    train_run(kind.spec(run), inputs, None, out)
