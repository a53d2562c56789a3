"""What a study is said to cost before it runs."""

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from fgir.cli.main import main
from fgir.results.parquet import read_rows, write_rows
from fgir.study import CostPoint, load_study
from fgir.study.address import TIMING, fill
from fgir.workflow.downloads import files_of_backbones
from fgir.workflow.estimate import Estimates
from fgir.workflow.plan import Plan
from fgir.workflow.specs import Specs

BIRDS = {"source": "archive", "reader": "cub", "classes": 10, "train_val": 1000, "test": 500, "train": 800, "val": 200}
BIRDS |= {"files": [{"file": "birds.tgz", "gb": 2.0}], "disk_gb": 3.0}
NET = {"timm": "resnet18.a1_in1k", "gmacs": 2.0, "params_m": 10.0, "native_size": 224}


def specs_of(folder: Path, birds: dict[str, Any] = BIRDS, **study: Any) -> Specs:
    (folder / "datasets.yaml").write_text(yaml.safe_dump({"birds": birds}))
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
    assert estimates.train("birds", "net", "frozen", 224) == (pytest.approx(forward), "stated")
    assert estimates.train("birds", "net", "finetuned", 448).hours == pytest.approx(3 * 4 * forward)
    assert estimates.train("birds", "net", "calmix", 224).hours == pytest.approx(24 * forward)
    assert estimates.evaluation("birds", "net", "cal", 224).hours == pytest.approx(2e9 * 500 * 8 / 1e12 / 3600)


def test_timings_from_image_files_on_are_planned_where_a_study_asks_for_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = Plan(specs_of(tmp_path, plan={"teramacs": 0.001})).rows
    asked = Plan(specs_of(tmp_path, plan={"teramacs": 0.001}, timing={"scope": "end_to_end", "passes": 4})).rows

    streams = {row["setting"]: row for row in asked if row["rule"] == "end_to_end"}
    assert [row for row in asked if row["rule"] != "end_to_end"] == network
    assert set(streams) == {"finetuned", "cal", "cal_nc"}
    # 4 passes of 500 test images, and of 200 one by one, 2 G multiply-adds a view, at 10^9 a second
    seconds = 4 * 700 * 2 * 8
    assert streams["cal"]["gpu_hours"] == pytest.approx(seconds / 3600)
    # in the limit, decoding too: 40 images a second
    assert streams["cal"]["minutes"] == pytest.approx(2 * (seconds + 4 * 700 / 40) / 60 + 10, abs=1)
    main(["plan", str(tmp_path / "study.yaml")])
    tables = [line.split() for line in capsys.readouterr().out.splitlines() if "timing" in line.split()[1:]]
    assert [line[0] for line in tables] == ["backbone", "dataset", "setting"]


def test_a_limit_is_the_estimate_with_its_margin_and_never_less_than_a_start(tmp_path: Path) -> None:
    slow = Estimates(specs_of(tmp_path, plan={"teramacs": 0.001, "margin": 3.0}))
    fast = Estimates(specs_of(tmp_path, plan={"teramacs": 1000.0}))

    hours = slow.train("birds", "net", "cal", 224).hours
    assert slow.minutes("train", "birds", "net", "cal", 224) == pytest.approx(180 * hours + 10, abs=1)
    assert fast.minutes("train", "birds", "net", "frozen", 224) == 11


# Measured on a GPU, which has a driver.
TRAINED = {"backbone": "net", "train_size": 224, "device": "A100", "driver": "13.0", "processes": 1, "status": "ok"}
TIMED = {"backbone": "net", "test_size": 224, "device": "A100", "driver": "13.0", "status": "ok"}


def put_training(folder: Path, regime: str, **values: Any) -> None:
    path = folder / f"results/runs/birds/net/{regime}/224/seed1/train.parquet"
    write_rows("train", [TRAINED | {"regime": regime} | values], path)


def put_timing(folder: Path, setting: str, views: int, throughput: float, **values: Any) -> None:
    row = TIMED | {"setting": setting, "views": views, "throughput": throughput} | values
    write_rows("timing", [row], folder / "results" / fill(TIMING, CostPoint.of("net", setting, 224, 10)))


def test_trainings_that_are_done_say_how_long_the_others_take(tmp_path: Path) -> None:
    specs = specs_of(tmp_path)
    put_training(tmp_path, "frozen", images=100, epoch_seconds=36.0)

    trainings = [row for row in Plan(specs).rows if row["rule"] == "train" and row["regime"] == "frozen"]

    assert [row["done"] for row in trainings] == [True, False]
    assert trainings[1]["evidence"] == "measured"
    assert trainings[1]["gpu_hours"] == pytest.approx(1000 * 50 * 0.36 / 3600)


def test_calmix_shows_two_images_an_item_and_its_training_counts_both(tmp_path: Path) -> None:
    specs = specs_of(tmp_path)
    put_training(tmp_path, "calmix", images=2 * 1000 * 50, epoch_seconds=7200.0)

    assert Estimates(specs).train("birds", "net", "calmix", 224) == (pytest.approx(2.0), "measured")


def test_hours_of_a_training_on_several_gpus_are_those_of_all_of_them(tmp_path: Path) -> None:
    specs = specs_of(tmp_path)
    put_training(tmp_path, "cal", images=1000 * 50, epoch_seconds=3600.0, processes=4)

    assert Estimates(specs).train("birds", "net", "cal", 224).hours == pytest.approx(4.0)


def test_timings_say_how_long_trainings_searches_and_evaluations_take(tmp_path: Path) -> None:
    specs = specs_of(tmp_path)
    put_timing(tmp_path, "cal", views=8, throughput=25.0)

    estimates = Estimates(specs)

    # 200 views a second; an image of a CAL training takes nine forward passes, one of val and a view take one.
    assert estimates.train("birds", "net", "cal", 224) == (pytest.approx(1000 * 50 * 9 / 200 / 3600), "measured")
    assert estimates.search("birds", "net", "cal", 224).hours == pytest.approx((800 * 50 * 9 + 200) / 200 / 3600)
    assert estimates.evaluation("birds", "net", "cal", 224) == (pytest.approx(500 / 25 / 3600), "measured")
    assert estimates.train("birds", "net", "finetuned", 224).evidence == "stated"
    assert estimates.train("birds", "net", "cal", 448).evidence == "stated"


def test_a_time_limit_follows_what_was_measured(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, plan={"margin": 3.0})
    put_timing(tmp_path, "frozen", views=1, throughput=1000 * 50 / 3600)

    assert Estimates(specs).minutes("train", "birds", "net", "frozen", 224) == pytest.approx(3 * 60 + 10, abs=1)


def test_a_training_says_more_of_trainings_than_a_timing(tmp_path: Path) -> None:
    specs = specs_of(tmp_path)
    put_timing(tmp_path, "frozen", views=1, throughput=1e6)
    put_training(tmp_path, "frozen", images=50_000, epoch_seconds=3600.0)

    assert Estimates(specs).train("birds", "net", "frozen", 224).hours == pytest.approx(1.0)


def test_what_a_cpu_took_sets_no_gpu_jobs_time_unless_the_study_names_that_cpu(tmp_path: Path) -> None:
    specs = specs_of(tmp_path)
    put_timing(tmp_path, "frozen", views=1, throughput=2.0, device="EPYC", driver=None)
    estimates = Estimates(specs)

    assert estimates.evaluation("birds", "net", "frozen", 224).evidence == "stated"
    assert estimates.measured.passed_over == {"EPYC"}
    named = Estimates(specs_of(tmp_path, plan={"device": "EPYC"}))
    assert named.evaluation("birds", "net", "frozen", 224) == (pytest.approx(500 / 2 / 3600), "measured")


def test_a_timing_of_another_precision_than_the_trainings_says_nothing_of_them(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, training={"precision": "fp32"})
    put_timing(tmp_path, "frozen", views=1, throughput=100.0)

    assert Estimates(specs).train("birds", "net", "frozen", 224).evidence == "stated"


def test_a_diverged_training_and_a_damaged_file_say_nothing(tmp_path: Path) -> None:
    specs = specs_of(tmp_path)
    put_training(tmp_path, "frozen", images=10, epoch_seconds=1.0, status="diverged")
    damaged = tmp_path / "results/runs/birds/net/frozen/224/seed2/train.parquet"
    damaged.parent.mkdir()
    damaged.write_bytes(b"0")

    assert Estimates(specs).train("birds", "net", "frozen", 224).evidence == "stated"


def test_the_command_says_what_is_missing_by_hand_and_writes_every_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    specs_of(tmp_path)

    main(["plan", str(tmp_path / "study.yaml"), "--out", str(tmp_path / "plan.parquet")])

    printed = capsys.readouterr().out
    assert f"birds: {tmp_path / 'data' / 'birds' / 'birds.tgz'}, 2 GB" in printed
    assert max(map(len, (line for line in printed.splitlines() if str(tmp_path) not in line))) <= 100
    settings = printed[printed.index(" setting ") :].splitlines()[2:7]
    shared = ("frozen", "finetuned", "cal, cal_nc", "calmix, calmix_nc", "total")
    assert all(line.split("  ")[0].strip() == name for line, name in zip(settings, shared, strict=True))
    rows = read_rows("plan", tmp_path / "plan.parquet")
    # A search of 5 frozen candidates is one job; the other regimes have 4 candidates each; then 2 seeds, 4 regimes,
    # two of which have two settings that are evaluated together.
    counts = Counter(row["rule"] for row in rows)
    assert {rule: counts[rule] for rule in ("tune_frozen", "tune", "choose", "train", "evaluate", "evaluate_both")} == {
        "tune_frozen": 1,
        "tune": 12,
        "choose": 4,
        "train": 8,
        "evaluate": 4,
        "evaluate_both": 4,
    }


def test_tables_of_another_study_are_not_those_of_a_study_with_jobs_left(tmp_path: Path) -> None:
    specs = specs_of(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results/summary.parquet").touch()

    before = Plan(specs).rows
    for row in before:
        Path(row["path"]).parent.mkdir(parents=True, exist_ok=True)
        Path(row["path"]).touch()

    assert not any(row["done"] for row in before)
    assert all(row["done"] for row in Plan(specs).rows)


def test_a_frozen_search_is_priced_as_one_pass(tmp_path: Path) -> None:
    estimates = Estimates(specs_of(tmp_path, plan={"teramacs": 1.0}))

    assert estimates.search("birds", "net", "frozen", 224).hours == pytest.approx((800 * 50 + 200) * 2e9 / 1e12 / 3600)


def put_pictures(folder: Path, name: str, count: int) -> None:
    (folder / name).mkdir(parents=True)
    for number in range(count):
        (folder / name / f"{number}.png").touch()


def test_images_of_a_folder_are_counted_before_anything_ran(tmp_path: Path) -> None:
    for part, count in (("train", 10), ("test", 3)):
        for name in ("ash", "oak"):
            put_pictures(tmp_path / "trees" / part, name, count)
    specs = specs_of(tmp_path, {"source": "folder", "path": str(tmp_path / "trees")})

    assert Estimates(specs).images("birds") == (16, 4, 6, "found")


def test_a_folder_without_a_test_part_gives_one_up(tmp_path: Path) -> None:
    for name in ("ash", "oak"):
        put_pictures(tmp_path / "trees", name, 20)
    specs = specs_of(tmp_path, {"source": "folder", "path": str(tmp_path / "trees"), "test_fraction": 0.25})

    assert Estimates(specs).images("birds") == (24, 6, 10, "found")


def test_a_dataset_without_counts_has_those_of_its_split(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, {"source": "archive", "reader": "birdsnap", "classes": 500})
    assert Estimates(specs).images("birds") == (12000, 3000, 15000, "assumed")

    parts = ["train"] * 4 + ["val"] * 2 + ["test"]
    write_rows("split", [{"part": part} for part in parts], tmp_path / "results/data/birds/split.parquet")

    assert Estimates(specs).images("birds") == (4, 2, 1, "found")


def test_weights_are_part_of_the_download_until_they_are_there(tmp_path: Path) -> None:
    estimates = Estimates(specs_of(tmp_path))

    (weights,) = files_of_backbones(estimates)

    assert weights == ("net", "weights of resnet18.a1_in1k", pytest.approx(4e-9 * (10e6 + 2048 * 1000)), True, False)
    (tmp_path / "results/weights").mkdir(parents=True)
    (tmp_path / "results/weights/net.safetensors").touch()
    assert files_of_backbones(estimates)[0].there


def test_jobs_of_more_than_a_week_are_named_and_a_small_study_has_no_tables_of_zeros(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, teramacs in (("slow", 1e-3), ("fast", 1e6)):
        (tmp_path / name).mkdir()
        specs_of(tmp_path / name, plan={"teramacs": teramacs})

    main(["plan", str(tmp_path / "slow" / "study.yaml")])
    slow = capsys.readouterr().out
    main(["plan", str(tmp_path / "fast" / "study.yaml")])
    fast = capsys.readouterr().out

    assert "Longest job: train birds net calmix, up to 56 days; " in slow
    assert "GPU hours to do" in slow
    assert "Less than a GPU minute to do." in fast
    assert "Longest job" not in fast
    assert "evaluate  " not in fast[fast.index("Less than") :]


def test_the_plan_is_as_wide_as_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    specs_of(tmp_path, plan={"device": "[NVIDIA] H200"})
    widths = {}

    for columns in ("80", "140"):
        monkeypatch.setenv("COLUMNS", columns)
        main(["plan", str(tmp_path / "study.yaml")])
        *lines, _next = capsys.readouterr().out.splitlines()
        # A path is not cut.
        widths[columns] = max(len(line) for line in lines if str(tmp_path) not in line)

    assert widths["80"] <= 80 < widths["140"] <= 140
    assert any("[NVIDIA] H200" in line for line in lines)


def test_the_next_command_can_be_copied_whatever_the_studys_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    specs_of(tmp_path)
    study = (tmp_path / "study.yaml").rename(tmp_path / "my study.yaml")

    main(["plan", str(study)])

    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert command[command.index("--configfile") + 1] == str(study)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    specs_of(tmp_path)

    # Not even root writes there.
    with pytest.raises(SystemExit, match=r"^fgir plan: /proc/x\.parquet cannot be written .* name another place"):
        main(["plan", str(tmp_path / "study.yaml"), "--out", "/proc/x.parquet"])


def test_a_reading_job_may_be_the_longest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specs_of(tmp_path, BIRDS | {"train_val": 10**8, "train": 8 * 10**7, "val": 2 * 10**7}, plan={"teramacs": 1e6})

    main(["plan", str(tmp_path / "study.yaml")])

    assert "Longest job: manifest birds, up to 58 days; 2 jobs may take over 7." in capsys.readouterr().out


def test_a_plan_is_written_to_parquet_alone(tmp_path: Path) -> None:
    specs_of(tmp_path)

    with pytest.raises(SystemExit, match=r"plan\.csv would hold Parquet"):
        main(["plan", str(tmp_path / "study.yaml"), "--out", str(tmp_path / "plan.csv")])

    assert not (tmp_path / "plan.csv").exists()


def test_weights_of_ones_own_that_are_not_there_are_refused_unless_they_were_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    specs_of(tmp_path)
    own = NET | {"weights": {"source": "file", "path": str(tmp_path / "mine.safetensors")}}
    (tmp_path / "backbones.yaml").write_text(yaml.safe_dump({"net": own}))
    study = str(tmp_path / "study.yaml")

    with pytest.raises(SystemExit, match="has 1 fault, listed above"):
        main(["check", study])
    said = capsys.readouterr().out
    read = tmp_path / "results" / "weights" / "net.safetensors"
    read.parent.mkdir(parents=True)
    read.touch()

    main(["check", study])

    assert 'mine.safetensors, the weights of backbone "net", does not exist' in said
