import itertools
import os
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from fgir.cost import disturbance, timing
from fgir.cost import rounds as rounds_module
from fgir.cost import verdict as verdicts
from fgir.cost.rounds import Round, is_steady, timed, until_steady
from fgir.results.parquet import arrow_schema, read_row, write_rows
from fgir.specs import ModelSpec, TimingSpec
from fgir.study import PROTOCOL_OF, PROTOCOLS, SETTINGS, VIEWS, CalOptions, TimingOptions
from fgir.utils.errors import FgirError


@pytest.fixture(autouse=True)
def one_thread():
    # Threads that wait for one another on a busy machine would spoil figures of this size.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def timing_spec(setting, size=64, tag="test_efficientnet.r160_in1k", **options):
    # What runs beside the tests must not make them longer: any spread is steady, unless a test says otherwise.
    values = {"batch_size": 4, "warmup": 1, "repeats": 8, "precision": "fp32", "tolerance": 1000} | options
    return TimingSpec(
        recipe=1,
        model=ModelSpec(backbone="tiny", timm=tag, pool=None, mean=None, std=None, weights=f"timm {tag}"),
        setting=setting,
        test_size=size,
        classes=7,
        cal=CalOptions(),
        timing=TimingOptions(**values),
    )


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_gives_a_whole_row(tmp_path, setting):
    write_rows("timing", [timing.time_model(timing_spec(setting, repeats=4))], tmp_path / "timing.parquet")

    row = read_row("timing", tmp_path / "timing.parquet")
    assert (row["backbone"], row["setting"], row["test_size"], row["classes"]) == ("tiny", setting, 64, 7)
    assert (row["views"], row["batch_size"], row["repeats"]) == (VIEWS[setting], 4, 4)
    assert 0 < row["throughput_q1"] <= row["throughput"] <= row["throughput_q3"]
    assert 0 < row["latency_q1"] <= row["latency"] <= row["latency_q3"]
    assert row["peak_memory"] > 0
    assert (row["status"], row["unsteady"]) == ("ok", [])
    assert (row["throughput_rounds"], row["latency_rounds"]) == (1, 1)
    assert row["load"] >= 0
    gpu = {"driver", "gpu_processes", "gpu_processes_memory", "gpu_utilization"}
    absent = {name for name in arrow_schema("timing").names if row[name] is None} - {"waited"}
    assert absent == {"error"} | (gpu if not torch.cuda.is_available() else set())


@pytest.mark.parametrize("tag", ["test_vit.r160_in1k", "test_efficientnet.r160_in1k"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_what_is_timed_encodes_every_view_of_every_image(setting, tag):
    spec = timing_spec(setting, 160, tag)
    predict, images = timing._prepare(spec, spec.timing, torch.device("cpu"))
    encoded = []

    def count_stem(module, inputs, output):
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            encoded.append(len(inputs[0]))

    with register_module_forward_hook(count_stem), torch.inference_mode():
        logits = predict(images)

    assert sum(encoded) == 4 * VIEWS[setting]
    assert logits.shape == (4, 7)
    assert images.shape == (4, 3, 160 * PROTOCOLS[PROTOCOL_OF[setting]].windows, 160)
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_each_batch_is_timed_alone_and_the_warm_up_is_not():
    durations = iter([0.2, 0.2, 0.01, 0.02, 0.03, 0.04, 0.05])
    seen = []

    def predict(batch):
        time.sleep(next(durations))
        seen.append((len(batch), torch.is_inference_mode_enabled()))
        return batch

    ticks = []
    timing._warm_up(predict, torch.zeros(3, 3, 8, 8), 2)
    seconds = timing._seconds(predict, torch.zeros(3, 3, 8, 8), 5, lambda: ticks.append(1))

    assert seen == [(3, True)] * 7
    assert len(ticks) == 5
    # sleep may be late on a busy machine, never early
    assert all(measured >= slept for measured, slept in zip(seconds, [0.01, 0.02, 0.03, 0.04, 0.05], strict=True))
    assert min(seconds) < 0.2


def test_a_disturbed_model_gives_an_unsteady_row_with_its_figures_and_the_reason():
    pauses = itertools.cycle([0.0, 0.15])

    def disturb(module, inputs, output):
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            time.sleep(next(pauses))

    with register_module_forward_hook(disturb):
        row = timing.time_model(timing_spec("finetuned", repeats=8, max_repeats=8, tolerance=0.1))

    assert row["status"] == "unsteady"
    assert row["unsteady"] == ["throughput", "latency"]
    # the value is kept, between quartiles that say how far it is to be trusted
    assert 0 < row["throughput_q1"] < row["throughput_q3"]
    low, high = (verdicts._short(row[name]) for name in ("throughput_q1", "throughput_q3"))
    assert f"images/s (quartiles {low} to {high})" in row["error"]
    assert f"load at the start {row['load']:.1f} a core" in row["error"]


@pytest.fixture
def no_rest(monkeypatch):
    monkeypatch.setattr(rounds_module, "REST_SECONDS", 0.0)


def measured_as(*rounds):
    """A measurement that finds one of these rounds, each a list of seconds a batch, after another."""
    found = iter(rounds)
    return lambda: Round(np.array(next(found)), 0.0)


@pytest.mark.usefixtures("no_rest")
def test_rounds_are_repeated_until_the_disturbance_is_over_and_only_the_steady_one_counts():
    wild, steady = [0.001, 0.1] * 4, [0.02] * 8

    measured = until_steady(measured_as(wild, wild, steady, wild), limit=5, tolerance=0.1)

    assert (measured.steady, measured.rounds) == (True, 3)
    assert measured.seconds.tolist() == steady


@pytest.mark.usefixtures("no_rest")
def test_what_never_becomes_steady_keeps_the_batches_of_every_round():
    rounds = [[0.001 * number, 0.05] * 4 for number in (1, 2, 3)]

    measured = until_steady(measured_as(*rounds), limit=3, tolerance=0.1)

    assert (measured.steady, measured.rounds) == (False, 3)
    assert measured.seconds.tolist() == [*rounds[0], *rounds[1], *rounds[2]]


@pytest.mark.parametrize(
    ("seconds", "waited", "steady"),
    [
        ([1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.0], 0.01, True),
        ([1.0, 1.3, 0.8, 1.4, 0.7, 1.0, 1.4, 0.7], 0.01, False),
        # slowly slower, as a device that grows warm
        ([1.0, 1.0, 1.0, 1.0, 1.2, 1.2, 1.2, 1.2], 0.01, False),
        # one late batch of many is no disturbance
        ([1.0, 1.0, 1.0, 1.0, 5.0, 1.0, 1.0, 1.0], 0.01, True),
        # evenly slow, because others hold the cores
        ([2.0] * 8, 0.5, False),
        ([2.0] * 8, None, True),
    ],
)
def test_a_round_is_steady_by_its_quartiles_its_halves_and_its_waits(seconds, waited, steady):
    assert is_steady(Round(np.array(seconds), waited), 0.1) is steady


@pytest.mark.skipif(disturbance.waited() is None, reason="this system does not count waits for a core")
def test_processes_that_hold_the_core_are_seen_in_the_wait():
    busy = [sys.executable, "-c", "while True: pass"]
    allowed = os.sched_getaffinity(0)
    try:
        # All on one core, this test too: the scheduler shares it evenly, whatever else runs.
        os.sched_setaffinity(0, {min(allowed)})
        others = [subprocess.Popen(busy) for _ in range(3)]
        end = time.perf_counter() + 0.5
        alone = timed(lambda: [time.sleep(0.2)])
        shared = timed(partial(_compute_until, end + 1.0))
    finally:
        for process in others:
            process.kill()
            process.wait()
        os.sched_setaffinity(0, allowed)

    # three of four parts of the time; and who sleeps does not wait
    assert shared.waited > 0.4
    assert alone.waited < shared.waited


def _compute_until(end):
    while time.perf_counter() < end:
        pass
    return [1.0]


NVIDIA_SMI = """#!/bin/sh
case "$1" in
    --query-compute-apps*) printf 'GPU-aa, 17, 1024\\nGPU-aa, 18, 512\\nGPU-bb, 19, [N/A]\\n' ;;
    --query-gpu*) printf 'GPU-aa, 80\\nGPU-bb, [N/A]\\nGPU-cc, 0\\n' ;;
esac
"""


def test_other_processes_on_each_gpu_are_read_from_nvidia_smi(tmp_path, monkeypatch):
    (tmp_path / "nvidia-smi").write_text(NVIDIA_SMI)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    gpus = disturbance.look().gpus

    assert gpus["aa"] == (2, 1536 * 2**20, 80.0)
    assert gpus["bb"] == (1, None, None)
    assert gpus["cc"] == (0, 0, 0.0)


def test_a_gpu_on_which_others_compute_makes_every_figure_unsteady():
    steady = until_steady(lambda: Round(np.full(8, 0.5), 0.0), limit=5, tolerance=0.1)
    figures = {"throughput": verdicts.Figure.median("images/s", 8 / steady.seconds, steady)}
    start = disturbance.Start(load=0.25, gpus={})

    row = verdicts.verdict(figures, start, disturbance.GpuUse(2, 3 * 10**9, 80.0), 0.1)
    quiet = verdicts.verdict(figures, start, disturbance.GpuUse(1, 3 * 10**9, 0.0), 0.1)

    assert (row["status"], row["unsteady"]) == ("unsteady", ["throughput"])
    assert "the GPU was 80 % busy at the start; other processes on the GPU: 2 with 3.0 GB" in row["error"]
    # a process that only holds memory disturbs nothing
    assert (quiet["status"], quiet["unsteady"], quiet["error"]) == ("ok", [], None)


def test_without_nvidia_smi_nothing_is_known_of_gpus(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert disturbance.look().gpus == {}


def test_an_unknown_backbone_is_named():
    with pytest.raises(FgirError, match=r"test_efficientnut\.r160_in1k"):
        timing.time_model(timing_spec("frozen", tag="test_efficientnut.r160_in1k"))
