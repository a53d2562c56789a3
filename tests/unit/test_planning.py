"""What a study is said to cost before it runs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fgir.cli import main
from fgir.jobs import Specs
from fgir.planning.estimate import Estimates
from fgir.planning.plan import Plan
from fgir.schema import read_rows, write_rows
from fgir.study import load_study

BIRDS = {"source": "archive", "reader": "cub", "classes": 10, "train_val": 1000, "test": 500, "train": 800, "val": 200}
BIRDS |= {"files": [{"file": "birds.tgz", "gb": 2.0}], "disk_gb": 3.0}
NET = {"timm": "resnet18.a1_in1k", "gmacs": 2.0, "params_m": 10.0, "native_size": 224}


def specs_of(folder: Path, **study: Any) -> Specs:
    (folder / "datasets.yaml").write_text(yaml.safe_dump({"birds": BIRDS}))
    (folder / "backbones.yaml").write_text(yaml.safe_dump({"net": NET}))
    content = {"name": "birds", "datasets": ["birds"], "backbones": ["net"], "seeds": [1, 2]}
    content |= {"results": str(folder / "results"), "archives": str(folder / "data")}
    content |= {f"{kind}_file": str(folder / f"{kind}.yaml") for kind in ("datasets", "backbones")}
    (folder / "study.yaml").write_text(yaml.safe_dump(content | study))
    return Specs(load_study(folder / "study.yaml"))


def test_hours_follow_from_multiply_adds_views_images_and_epochs(tmp_path: Path) -> None:
    estimates = Estimates(specs_of(tmp_path, plan={"teramacs": 1.0}))

    # 2 G multiply-adds, 1,000 images, 50 epochs, at 10^12 a second.
    forward = 2e9 * 1000 * 50 / 1e12 / 3600
    assert estimates.train_hours("birds", "net", "frozen", 224) == pytest.approx(forward)
    assert estimates.train_hours("birds", "net", "finetuned", 448) == pytest.approx(3 * 4 * forward)
    assert estimates.train_hours("birds", "net", "calmix", 224) == pytest.approx(24 * forward)
    assert estimates.evaluation_hours("birds", "net", "cal", 224) == pytest.approx(2e9 * 500 * 8 / 1e12 / 3600)


def test_a_limit_is_the_estimate_with_its_margin_and_never_less_than_a_start(tmp_path: Path) -> None:
    slow = Estimates(specs_of(tmp_path, plan={"teramacs": 0.001, "margin": 3.0}))
    fast = Estimates(specs_of(tmp_path, plan={"teramacs": 1000.0}))

    hours = slow.train_hours("birds", "net", "cal", 224)
    assert slow.minutes("train", "birds", "net", "cal", 224) == pytest.approx(180 * hours + 10, abs=1)
    assert fast.minutes("train", "birds", "net", "frozen", 224) == 11


def test_trainings_that_are_done_say_how_long_the_others_take(tmp_path: Path) -> None:
    row = {"backbone": "net", "regime": "frozen", "train_size": 224, "status": "ok", "images": 100}
    specs = specs_of(tmp_path)
    write_rows(
        "train", [row | {"epoch_seconds": 36.0}], tmp_path / "results/runs/birds/net/frozen/224/seed1/train.parquet"
    )

    trainings = [row for row in Plan(specs).rows if row["rule"] == "train" and row["regime"] == "frozen"]

    assert [row["done"] for row in trainings] == [True, False]
    assert trainings[1]["evidence"] == "measured"
    assert trainings[1]["gpu_hours"] == pytest.approx(1000 * 50 * 0.36 / 3600)


def test_the_command_says_what_is_missing_by_hand_and_writes_every_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    specs_of(tmp_path)

    main(["plan", str(tmp_path / "study.yaml"), "--out", str(tmp_path / "plan.parquet")])

    printed = capsys.readouterr().out
    assert f"birds: {tmp_path / 'data' / 'birds' / 'birds.tgz'}, 2 GB" in printed
    assert max(map(len, (line for line in printed.splitlines() if str(tmp_path) not in line))) <= 100
    rows = read_rows("plan", tmp_path / "plan.parquet")
    # A search of 5 frozen candidates is one job; the other regimes have 4 candidates each; then 2 seeds, 4 regimes.
    assert {rule: sum(row["rule"] == rule for row in rows) for rule in ("tune_frozen", "tune", "choose", "train")} == {
        "tune_frozen": 1,
        "tune": 12,
        "choose": 4,
        "train": 8,
    }


def test_a_frozen_search_is_priced_as_one_pass(tmp_path: Path) -> None:
    estimates = Estimates(specs_of(tmp_path, plan={"teramacs": 1.0}))

    assert estimates.search_hours("birds", "net", "frozen", 224) == pytest.approx((800 * 50 + 200) * 2e9 / 1e12 / 3600)
