"""Timing from image files to the loss."""

import numpy as np
import pytest
import torch
from small_datasets import write_image
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from fgir.cost.end_to_end import spread, time_end_to_end
from fgir.results.parquet import arrow_schema, read_row, write_rows
from fgir.specs import EndToEndSpec, ModelSpec
from fgir.study import GREY, VIEWS, CalOptions
from fgir.utils.errors import FgirError

TAG = "test_efficientnet.r160_in1k"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def birds(tmp_path):
    """Two train and five test images in files, with their source.json and split."""
    rows = []
    for number in range(7):
        write_image(tmp_path / "images" / f"{number}.png", number)
        rows.append({"image": number, "path": f"{number}.png", "label": number % 2})
        rows[-1] |= {"part": "train" if number < 2 else "test", "rule": "first"}
    write_rows("split", rows, tmp_path / "split.parquet")
    (tmp_path / "source.json").write_text(f'{{"root": "{tmp_path / "images"}"}}')
    return tmp_path


def timed(folder, setting="cal_nc", **options):
    values = {"batch_size": 2, "warmup": 1, "passes": 3, "tolerance": 1000.0} | options
    spec = EndToEndSpec(
        recipe=1,
        dataset="birds",
        classes=2,
        model=ModelSpec(backbone="tiny", timm=TAG, pool=None, mean=None, std=None, weights="none (random)"),
        setting=setting,
        test_size=64,
        side=72,
        background=GREY,
        cal=CalOptions(attention_maps=4),
        precision="fp32",
        **values,
    )
    return time_end_to_end(spec, folder / "source.json", folder / "split.parquet", workers=1)


@pytest.mark.parametrize("setting", ["finetuned", "cal"])
def test_every_pass_classifies_every_view_of_every_test_image(birds, setting):
    encoded = []

    def count(module, inputs, output):
        # Not what the building of a model tries out.
        if isinstance(module, nn.Conv2d) and module.in_channels == 3 and torch.is_inference_mode_enabled():
            encoded.append(len(inputs[0]))

    with register_module_forward_hook(count):
        write_rows("end_to_end", [timed(birds, setting)], birds / "end_to_end.parquet")

    row = read_row("end_to_end", birds / "end_to_end.parquet")
    # 5 images, 3 times in batches of 2 and 3 times one by one, and a batch of each before the clock starts
    assert sum(encoded) == VIEWS[setting] * (3 * 5 + 3 * 5 + 2 + 1)
    assert (row["images"], row["latency_images"], row["passes"], row["batch_size"]) == (5, 5, 3, 2)
    assert (row["views"], row["workers"], row["status"], row["unsteady"]) == (VIEWS[setting], 1, "ok", [])
    assert min(row["throughput"], row["latency"], row["throughput_q1"], row["latency_q1"], row["peak_memory"]) > 0
    gpu = {"driver", "gpu_processes", "gpu_processes_memory", "gpu_utilization"}
    absent = {name for name in arrow_schema("end_to_end").names if row[name] is None} - {"waited"}
    assert absent == {"error"} | (gpu if not torch.cuda.is_available() else set())


def test_passes_that_lie_far_apart_are_unsteady_and_keep_their_figures(birds):
    row = timed(birds, tolerance=1e-9)

    assert (row["status"], row["unsteady"]) == ("unsteady", ["throughput", "latency"])
    assert row["throughput"] > 0
    assert "images/s end to end (quartiles " in row["error"]


def test_images_are_decoded_from_the_files_of_the_test_part(birds):
    (birds / "images" / "0.png").write_bytes(b"a train image that nobody opens")
    timed(birds)
    (birds / "images" / "6.png").write_bytes(b"\x89PNG")

    with pytest.raises(FgirError, match=r"6\.png"):
        timed(birds)


def test_few_images_are_spread_over_all_of_them():
    assert spread(np.arange(100, 1100), 5).tolist() == [100, 350, 600, 849, 1099]
    assert spread(np.array([3, 5, 8]), 200).tolist() == [3, 5, 8]
