"""What Snakemake plans: the demo, and what a change makes it do again."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from tiny import BACKBONES, DATASETS, ROOT, STUDY, Bench, jobs_by_rule

from fgir.results.parquet import write_rows
from fgir.study import address
from fgir.workflow.plan import Plan


def changed(**keys: Any) -> dict[str, Any]:
    return deepcopy(STUDY) | keys


def test_the_demo_plans_every_stage_of_six_settings() -> None:
    demo = yaml.safe_load((ROOT / "config/studies/demo.yaml").read_text())
    rates = demo["tuning"]["learning_rates"]
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/demo", "--dry-run", "--forceall", "all"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    jobs = jobs_by_rule(done.stdout + done.stderr)

    assert done.returncode == 0, done.stderr
    datasets = len(demo["datasets"])
    assert {rule: count for rule, count in jobs.items() if rule not in ("tune", "tune_frozen", "choose")} == {
        "all": 1,
        "download": datasets,
        "manifest": datasets,
        "split": datasets,
        "pixels": datasets,
        "weights": 1,
        "train": 4 * datasets,
        "evaluate": 2 * datasets,
        "evaluate_both": 2 * datasets,
        "macs": 3 * datasets,
        "timing": 3 * datasets,
        "summary": 1,
        "figure": datasets,
    }
    searched = {regime: len(grid) for regime, grid in rates.items() if len(grid) > 1}
    assert jobs["choose"] == datasets * len(searched)
    assert jobs["tune_frozen"] == datasets * ("frozen" in searched)
    assert jobs["tune"] == datasets * sum(count for regime, count in searched.items() if regime != "frozen")


def test_a_default_study_that_is_no_yaml_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("name: tiny\nresults: 2024-13-45\n")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile"), "--dry-run"]

    done = subprocess.run([*command, "--directory", str(tmp_path)], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "config/config.yaml, line 2 is not valid YAML: 2024-13-45 is no date; if it is a text, write" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_finished_study_runs_nothing_again(finished_study: Bench) -> None:
    done = finished_study.snakemake("all")

    assert "Nothing to be done" in done.stdout
    assert finished_study.plan("all") == {}


def test_the_same_meaning_in_other_words_runs_nothing_again(copied_study: Bench) -> None:
    study = dict(reversed(STUDY.items()))
    study["training"] = dict(reversed(STUDY["training"].items())) | {"epochs": 1.0}
    study["tuning"] = {"learning_rates": {"cal": ["1e-2"], "frozen": [0.010, "1e-1"]}}
    copied_study.write(study)

    assert copied_study.plan("all") == {}


def test_a_corrected_description_or_a_moved_catalogue_makes_the_tables_anew_and_nothing_else(
    copied_study: Bench,
) -> None:
    datasets, backbones = deepcopy(DATASETS), deepcopy(BACKBONES)
    datasets["letters"] |= {"citation": "A new citation", "licence": "CC0", "terms": "Be kind.", "traps": ["None."]}
    backbones["net"] |= {"licence": "Apache-2.0"}
    copied_study.write(STUDY, datasets=datasets, backbones=backbones)
    described = copied_study.plan("all")
    moved = changed(datasets_file="config/moved.yaml")
    copied_study.write(moved, moved=datasets, backbones=backbones | {"net": backbones["net"] | {"title": "A Net"}})
    titled = copied_study.plan("all")

    assert described == {}
    assert titled == {"all": 1, "summary": 1, "figure": 1}


def test_an_option_more_with_a_default_reruns_nothing(copied_study: Bench, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for folder in ("fgir", "workflow"):
        shutil.copytree(ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    study = checkout / "fgir/study/options.py"
    momentum = "    momentum: float = Field("
    study.write_text(study.read_text().replace(momentum, f"    look_ahead: float = 0.5\n{momentum}"))

    same = copied_study.snakemake("all", "--dry-run", checkout=checkout)
    copied_study.write(changed(training=STUDY["training"] | {"look_ahead": 0.7}))
    other = copied_study.snakemake("all", "--dry-run", checkout=checkout)

    assert "Nothing to be done" in same.stdout
    assert jobs_by_rule(other.stdout)["train"] == 2


def test_a_candidate_more_searches_and_trains_its_regime_alone(copied_study: Bench) -> None:
    study = changed(tuning={"learning_rates": {"frozen": [0.1, 0.01, 0.03], "cal": [0.01]}})
    copied_study.write(study)

    jobs = copied_study.plan("all")

    assert jobs == {"all": 1, "tune_frozen": 1, "choose": 1, "train": 1, "evaluate": 1, "summary": 1, "figure": 1}


def test_a_seed_more_trains_that_seed_alone(finished_study: Bench) -> None:
    rows = Plan(finished_study.graph(changed(seeds=[1, 2])).specs).rows

    jobs = Counter(row["rule"] for row in rows if not row["done"])

    assert jobs == {"train": 2, "evaluate": 1, "evaluate_both": 1, "summary": 1, "figure": 1}


def test_a_dataset_more_leaves_the_first_alone(copied_study: Bench) -> None:
    more = deepcopy(DATASETS) | {"words": deepcopy(DATASETS["letters"]) | {"seed": 5}}
    copied_study.write(changed(datasets=["letters", "words"]), datasets=more)

    jobs = copied_study.plan("all")

    assert jobs.pop("summary") == 1
    assert {
        rule: jobs[rule] for rule in ("download", "manifest", "split", "pixels", "choose", "figure")
    } == dict.fromkeys(("download", "manifest", "split", "pixels", "choose"), 1) | {"figure": 2}
    assert (jobs["train"], jobs["evaluate"], jobs["evaluate_both"]) == (2, 1, 1)
    # Three classes again: the cost points are shared.
    assert "macs" not in jobs
    assert "timing" not in jobs


def test_a_changed_dataset_remakes_what_stands_on_it(copied_study: Bench) -> None:
    other = deepcopy(DATASETS)
    other["letters"]["seed"] = 9
    copied_study.write(STUDY, datasets=other)

    jobs = copied_study.plan("all")

    assert {"download", "manifest", "split", "pixels", "tune_frozen", "train", "summary"} <= jobs.keys()
    assert {"evaluate", "evaluate_both"} <= jobs.keys()
    assert not {"weights", "macs", "timing"} & jobs.keys()


def test_one_cell_plans_what_it_needs_and_nothing_else(empty_study: Bench) -> None:
    empty_study.write(STUDY)

    jobs = empty_study.plan("results/cells/letters/net/cal_nc/64-64.parquet")

    assert jobs == dict.fromkeys(
        ("download", "manifest", "split", "pixels", "weights", "train", "evaluate_both", "macs", "timing", "cell"), 1
    )


def test_one_cell_of_random_resized_crops_stands_on_images_in_their_own_aspect(empty_study: Bench) -> None:
    empty_study.write(changed(crops=["square", "fixres"]))

    jobs = empty_study.plan("results/cells/letters/net/cal_nc/fixres-64-80.parquet")

    assert jobs == dict.fromkeys(
        ("download", "manifest", "split", "ragged", "weights", "train", "evaluate_both", "macs", "timing", "cell"), 1
    )


def test_a_typo_is_one_sentence_with_the_nearest_name_before_any_job(empty_study: Bench) -> None:
    empty_study.write(changed(backbones=["nett"], datasets=["letters"]), backbones=deepcopy(BACKBONES))

    done = empty_study.snakemake("all")

    assert done.returncode == 1
    assert 'config/backbones.yaml has no backbone "nett"; did you mean "net"?' in done.stdout
    assert "Traceback" not in done.stdout
    assert not (empty_study.folder / "results").exists()


def test_a_target_that_the_study_does_not_have_is_met_with_the_nearest_name(empty_study: Bench) -> None:
    empty_study.write(STUDY)

    dataset = empty_study.snakemake("results/cells/letter/net/cal_nc/64-64.parquet", "--dry-run")
    setting = empty_study.snakemake("results/cells/letters/net/cal_nv/64-64.parquet")

    for done, message in (
        (dataset, 'has no dataset "letter"; did you mean "letters"?'),
        (setting, 'has no setting "cal_nv"; did you mean "cal_nc"?'),
    ):
        assert done.returncode == 1
        assert message in done.stdout.splitlines()[-1]
        assert "Traceback" not in done.stdout


def test_results_below_a_file_are_refused_in_a_sentence(empty_study: Bench) -> None:
    (empty_study.folder / "file").touch()
    empty_study.write(changed(results=f"{empty_study.folder}/file/results"))

    done = empty_study.snakemake("all", "--dry-run")

    assert done.returncode == 1
    assert "file is a file; name another." in done.stdout
    assert "Traceback" not in done.stdout


def test_what_cannot_work_is_refused_before_any_job_and_all_of_it(empty_study: Bench) -> None:
    net = BACKBONES["net"]
    backbones = {
        "net": net,
        "lost": net | {"weights": {"source": "file", "path": "lost.pth"}},
        "levit": {"timm": "levit_128s.fb_dist_in1k"},
        "none": {"timm": "resnet18.tv_in2k"},
    }
    study = changed(backbones=list(backbones), settings=["frozen"], training={"batch_size": 40}, train_sizes=[128])
    empty_study.write(study, backbones=backbones)

    done = empty_study.snakemake("all")

    assert done.returncode == 1
    assert 'lost.pth, the weights of backbone "lost", does not exist' in done.stdout
    assert 'Dataset "letters" has ' in done.stdout
    assert "levit_128s.fb_dist_in1k with pretrained weights does not admit images of 128 px; take 224." in done.stdout
    assert 'timm has no model "resnet18.tv_in2k"; did you mean "resnet18.tv_in1k"?' in done.stdout
    assert "rule download" not in done.stdout
    assert "Traceback" not in done.stdout
    assert not (empty_study.folder / "results").exists()


def test_a_timing_end_to_end_needs_the_images_and_no_training(empty_study: Bench) -> None:
    empty_study.write(STUDY)

    jobs = empty_study.plan("results/cost/net/cal_nc/64/letters/end_to_end.parquet")

    assert jobs == {"download": 1, "manifest": 1, "split": 1, "end_to_end": 1}


def test_every_jobs_time_and_memory_are_what_fgir_plan_says_and_follow_a_timing(empty_study: Bench) -> None:
    study = changed(settings=["frozen"], timing={"scope": "end_to_end"}, results=str(empty_study.folder / "results"))
    empty_study.write(study)
    point = {"backbone": "net", "setting": "finetuned", "test_size": 64, "classes": 3}
    measured = {"throughput": 0.01, "views": 1, "device": "A100", "driver": "13.0", "status": "ok"}
    write_rows("timing", [point | measured], Path(study["results"], address.fill(address.TIMING, **point)))
    rows = Plan(empty_study.graph(study).specs).rows

    printed = empty_study.snakemake("--dry-run", "all").stdout

    needs = {row["rule"]: (row["minutes"], row["megabytes"]) for row in rows if not row["done"]}
    assert {row["evidence"] for row in rows if row["gpu_hours"]} == {"measured"}
    assert needs["train"][0] > 60
    for rule, (minutes, megabytes) in needs.items():
        job = printed[printed.index(f"rule {rule}:") :]
        assert re.findall(r"runtime=(\d+)", job)[0] == str(minutes), rule
        assert re.findall(r"mem_mb=(\d+)", job)[0] == str(megabytes), rule
