"""Adapting a run to a test size: what changes and what stays, whatever interrupts it, and what the accuracy is of."""

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_training import TrainingFiles, spec, stopped
from started import run, start

from fgir.adaptation.adapt import adapt
from fgir.evaluation.evaluate import evaluate
from fgir.methods.build import load_model
from fgir.results.parquet import read_row, read_rows, write_rows
from fgir.specs import AdaptationSpec, EvaluationSpec, canonical
from fgir.study import GREY, CalOptions, Regime
from fgir.study.adaptations import Adaptation, Part
from fgir.training.train import Inputs, train_run
from fgir.utils.signals import EXIT_CODE

NORM = "backbone.net.bn2."
STATISTICS = {NORM + name for name in ("running_mean", "running_var", "num_batches_tracked")}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TrainingFiles:
    return TrainingFiles(tmp_path_factory.mktemp("letters"))


@pytest.fixture(scope="module")
def runs(files: TrainingFiles, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of a finished run by regime."""
    folders = {}
    for regime in ("finetuned", "calmix"):
        folders[regime] = tmp_path_factory.mktemp(regime)
        train_run(spec(regime, epochs=1), files.inputs(folders[regime]), None, folders[regime])
    return folders


def adaptation(part: Part = "classifier", regime: Regime = "finetuned", **options: Any) -> AdaptationSpec:
    trained = {"epochs": 2, "learning_rate": 0.1, "decay_every": 1} if part != "bn_statistics" else {}
    return AdaptationSpec(
        **spec(regime).model_dump(include={"dataset", "classes", "model", "regime", "seed", "pixels", "background"}),
        recipe=1,
        train_size=64,
        test_size=53,
        side=72,
        pixels_recipe=1,
        precision="auto",
        cal=CalOptions(attention_maps=4) if regime == "calmix" else None,
        name="mine",
        adaptation=Adaptation.model_validate({"part": part, "batch_size": 8} | trained | options),
    )


def adapted(files: TrainingFiles, run: Path, asked: AdaptationSpec, folder: Path) -> dict[str, torch.Tensor]:
    """The tensors that an adaptation in ``folder`` has written."""
    adapt(asked, run, inputs(files, run, folder), folder)
    return load_file(folder / "adapted.safetensors")


def inputs(files: TrainingFiles, run: Path, folder: Path) -> Inputs:
    return Inputs(files.split, run / "model.safetensors", files.pixels, folder / "work", workers=0)


@pytest.mark.parametrize(
    ("regime", "head"), [("finetuned", {"head.weight", "head.bias"}), ("calmix", {"classifier.weight"})]
)
def test_classifier_changes_alone(
    files: TrainingFiles, runs: dict[str, Path], tmp_path: Path, regime: Regime, head: set[str]
) -> None:
    tensors = adapted(files, runs[regime], adaptation(regime=regime), tmp_path)

    row, history = read_row("adapt", tmp_path / "adapt.parquet"), read_rows("history", tmp_path / "history.parquet")
    assert tensors.keys() == head
    assert row["changed"] == row["trainable"] == sum(tensor.numel() for tensor in tensors.values())
    # 48 images, 6 batches of 8; a tenth of the rate in the second epoch.
    assert (row["status"], row["steps"], row["images"], row["adaptation"]) == ("ok", 12, 96, "mine")
    assert [epoch["learning_rate"] for epoch in history] == pytest.approx([0.1, 0.01])


@pytest.mark.parametrize("regime", ["finetuned", "calmix"])
def test_features_computed_once_end_where_those_of_every_epoch_do(
    files: TrainingFiles, runs: dict[str, Path], tmp_path: Path, regime: Regime
) -> None:
    cached = adapted(files, runs[regime], adaptation(regime=regime), tmp_path / "cached")
    plain = adapted(files, runs[regime], adaptation(regime=regime, features_gb=0), tmp_path / "plain")

    # The network sees other batches, so that sums of its convolutions may round in another order; CAL's classifier
    # reads them a hundred times as large.
    torch.testing.assert_close(cached, plain, rtol=1e-5, atol=3e-5)
    rows = [read_row("adapt", tmp_path / way / "adapt.parquet") for way in ("cached", "plain")]
    assert [(row["features"], row["passes"], row["images"]) for row in rows] == [(True, 48, 96), (False, 96, 96)]
    assert not list((tmp_path / "cached" / "work").glob("*.safetensors"))


def test_killed_and_warned_on_features_it_ends_in_the_same_bits(
    files: TrainingFiles, runs: dict[str, Path], tmp_path: Path
) -> None:
    # Its epochs are short, so that it needs many to be killed in one.
    asked, folder, trained = adaptation(epochs=60, decay_every=20), tmp_path / "stopped", runs["finetuned"]
    words = {"spec": canonical(asked), "run": trained, "split": files.split, "images": files.pixels}
    command = ["adapt", *(word for name, value in words.items() for word in (f"--{name}", str(value)))]

    whole = start([*command, "--work", str(tmp_path / "work"), "--out", str(tmp_path / "whole")])
    again = [*command, "--work", str(folder / "work"), "--out", str(folder)]
    killed = stopped(start(again), folder, signal.SIGKILL)
    ended = run(again)

    assert whole.ended().returncode == 0
    assert (killed.returncode, ended.returncode) == (-signal.SIGKILL, 0), ended.stderr
    one, other = (load_file(place / "adapted.safetensors") for place in (tmp_path / "whole", folder))
    assert all(torch.equal(one[name], tensor) for name, tensor in other.items())
    assert read_row("adapt", folder / "adapt.parquet")["resumes"] == 1


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("classifier_bn", {"head.weight", "head.bias", NORM + "weight", NORM + "bias", *STATISTICS}),
        ("classifier_bn_statistics", {"head.weight", "head.bias", *STATISTICS}),
    ],
)
def test_norm_before_pooling_changes_too(
    files: TrainingFiles, runs: dict[str, Path], tmp_path: Path, part: Part, changed: set[str]
) -> None:
    assert adapted(files, runs["finetuned"], adaptation(part), tmp_path).keys() == changed


def test_new_statistics_of_every_batch_norm_are_those_of_the_images(
    files: TrainingFiles, runs: dict[str, Path], tmp_path: Path
) -> None:
    asked = adaptation("bn_statistics", batch_size=64)

    tensors = adapted(files, runs["finetuned"], asked, tmp_path)

    model = load_model(asked.network, runs["finetuned"] / "model.safetensors")
    kinds = {name.rpartition(".")[2] for name in tensors}
    assert kinds == {"running_mean", "running_var", "num_batches_tracked"}
    assert {name for name, _ in model.named_buffers() if "running" in name} <= tensors.keys()
    row = read_row("adapt", tmp_path / "adapt.parquet")
    assert (row["images"], row["steps"], row["trainable"], row["epochs"]) == (48, 0, 0, None)


def test_killed_and_warned_it_ends_in_the_same_bits(
    files: TrainingFiles, runs: dict[str, Path], tmp_path: Path
) -> None:
    asked, folder, trained = adaptation("classifier_bn", epochs=12), tmp_path / "stopped", runs["finetuned"]
    whole = adapted(files, trained, asked, tmp_path / "whole")
    words = {"spec": canonical(asked), "run": trained, "split": files.split, "images": files.pixels}
    words |= {"work": folder / "work", "out": folder}
    command = ["adapt", *(word for name, value in words.items() for word in (f"--{name}", str(value)))]

    for number in (signal.SIGKILL, signal.SIGUSR1):
        ended = stopped(start(command), folder, number)
        assert ended.returncode == (EXIT_CODE if number == signal.SIGUSR1 else -number), ended.stderr
    ended = run(command)
    assert ended.returncode == 0, ended.stderr

    again = load_file(folder / "adapted.safetensors")
    assert again.keys() == whole.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in whole.items())
    assert read_row("adapt", folder / "adapt.parquet")["resumes"] >= 1


def test_accuracy_is_that_of_the_adapted_weights(files: TrainingFiles, runs: dict[str, Path], tmp_path: Path) -> None:
    trained = runs["calmix"]
    adapted(files, trained, adaptation(regime="calmix", learning_rate=10.0), tmp_path)
    asked = EvaluationSpec(
        **spec("calmix").model_dump(include={"recipe", "dataset", "classes", "model", "regime", "seed"}),
        train_size=64,
        test_size=53,
        side=72,
        adaptation="mine",
        pixels="store",
        background=GREY,
        precision="auto",
        cal=CalOptions(attention_maps=4),
    )

    def probabilities(where: str, tensors: Path | None) -> list[float]:
        metrics = {setting: tmp_path / where / setting / "metrics.parquet" for setting in ("calmix", "calmix_nc")}
        evaluate(asked, metrics, trained, files.split, files.pixels, 0, tensors)
        rows = [read_rows("predictions", file.with_name("predictions.parquet")) for file in metrics.values()]
        return [row["label_probability"] for setting in rows for row in setting]

    before = probabilities("before", None)
    after = probabilities("after", tmp_path / "adapted.safetensors")

    assert all(one != other for one, other in zip(before, after, strict=True))
    assert read_row("metrics", tmp_path / "after/calmix/metrics.parquet")["adaptation"] == "mine"


def test_diverged_run_is_not_adapted(files: TrainingFiles, runs: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.safetensors").write_bytes((runs["finetuned"] / "model.safetensors").read_bytes())
    row = read_row("train", runs["finetuned"] / "train.parquet")
    write_rows("train", [row | {"status": "diverged", "error": "The loss became non-finite."}], run / "train.parquet")

    tensors = adapted(files, run, adaptation(), tmp_path / "adapted")

    row = read_row("adapt", tmp_path / "adapted" / "adapt.parquet")
    assert (row["status"], row["error"], tensors) == ("diverged", "The loss became non-finite.", {})


@pytest.mark.parametrize("augmentation", ["test_shift", "train"])
def test_images_that_change_from_epoch_to_epoch_go_through_the_network_in_each(
    files: TrainingFiles, runs: dict[str, Path], tmp_path: Path, augmentation: str
) -> None:
    tensors = adapted(files, runs["finetuned"], adaptation(augmentation=augmentation), tmp_path)

    row = read_row("adapt", tmp_path / "adapt.parquet")
    assert (row["augmentation"], row["features"], row["passes"]) == (augmentation, False, 96)
    assert tensors.keys() == {"head.weight", "head.bias"}


@pytest.mark.parametrize("part", ["classifier", "classifier_bn"])
def test_two_processes_adapt_as_one_does(
    files: TrainingFiles, runs: dict[str, Path], tmp_path: Path, part: Part
) -> None:
    asked, trained, folder = adaptation(part), runs["finetuned"], tmp_path / "two"
    one = adapted(files, trained, asked, tmp_path / "one")
    words = {"spec": canonical(asked), "run": trained, "split": files.split, "images": files.pixels}
    words |= {"work": folder / "work", "out": folder, "processes": 2}

    ended = run(["adapt", *(word for name, value in words.items() for word in (f"--{name}", str(value)))])

    assert ended.returncode == 0, ended.stderr
    # Sums over a batch are of two halves.
    torch.testing.assert_close(load_file(folder / "adapted.safetensors"), one, rtol=1e-4, atol=1e-5)
    assert read_row("adapt", folder / "adapt.parquet")["processes"] == 2
