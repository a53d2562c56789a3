"""The graph of jobs: what a study's jobs read, write and are called."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from fgir.study import CostPoint, Run, load_study
from fgir.utils.errors import FgirError
from fgir.workflow.graph import Evaluation, Graph, Paths
from fgir.workflow.graph.data import RaggedStore
from fgir.workflow.graph.evaluation import evaluation_rule, looked_at, rule_of
from fgir.workflow.specs import Specs
from fgir.workflow.validate import identity_of, validate_target

ROOT = Path(__file__).parents[2]
CATALOGUES = {
    "datasets": {"small": {"source": "typefaces", "classes": 3}, "large": {"source": "typefaces", "classes": 4}},
    "backbones": {"net": {"timm": "test_vit.r160_in1k", "weights": {"source": "none"}}},
}
STUDY = {"name": "two", "datasets": ["small", "large"], "backbones": ["net"], "train_sizes": [32], "seeds": [1, 10]}


def graph_of(folder: Path, **study: Any) -> Graph:
    files = {f"{kind}_file": str(folder / f"{kind}.yaml") for kind in CATALOGUES}
    for kind, content in CATALOGUES.items():
        (folder / f"{kind}.yaml").write_text(yaml.safe_dump(content))
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY | files | {"results": "out"} | study))
    return Graph(Specs(load_study(folder / "study.yaml")))


def files(paths: Paths) -> list[str]:
    return [file for path in paths.values() for file in ([path] if isinstance(path, str) else path)]


@pytest.mark.parametrize("pixels", ["store", "decode"])
@pytest.mark.parametrize("crops", [["square"], ["square", "fixres", "fixed_scale"], ["fixres_height"]])
def test_what_a_job_reads_another_one_writes_but_what_the_user_brings(
    tmp_path: Path, pixels: str, crops: list[str]
) -> None:
    study = {"published_file": "config/a.csv", "timing": {"scope": "end_to_end"}, "data": {"pixels": pixels}}
    graph = graph_of(tmp_path, crops=crops, test_sizes=[32, 48], **study)

    jobs = list(graph.jobs())

    written = [file for job in jobs for file in files(job.kind.paths(job.identity))]
    read = {file for job in jobs for file in files(job.kind.inputs(job.identity))}
    assert len(written) == len(set(written))
    assert read - set(written) == {"config/a.csv"}
    assert set(graph.targets()) <= set(written)


def test_random_resized_crops_of_all_sizes_share_a_store_and_those_of_a_fixed_scale_have_one_each(
    tmp_path: Path,
) -> None:
    graph = graph_of(tmp_path, crops=["square", "fixres", "fixres_height", "fixed_scale"], test_sizes=[32, 48])

    made = {
        job.kind.done(job.identity): str(job.kind.spec(job.identity).start)
        for job in graph.jobs()
        if job.kind.rule in ("pixels", "ragged")
    }

    folder = "out/data/small/pixels"
    assert {path: start for path, start in made.items() if path.startswith(folder)} == {
        f"{folder}/42.npy": "resize_square 42",
        f"{folder}/64.npy": "resize_square 64",
        f"{folder}/whole.ragged": "",
        f"{folder}/resize_shorter-36-bilinear.ragged": "resize_shorter 36 bilinear",
        f"{folder}/resize_shorter-54-bilinear.ragged": "resize_shorter 54 bilinear",
    }


def test_a_bound_of_images_concerns_the_crops_that_are_cut_from_whole_ones(tmp_path: Path) -> None:
    runs = [Run("small", "net", "cal", 32, 1, crops) for crops in ("square", "fixed_scale", "fixres")]
    plain, bounded = (
        graph_of(tmp_path, crops=["square", "fixres", "fixed_scale"], data={"shorter_side": bound})
        for bound in (None, 100)
    )

    changed = [plain["train"].spec(run) != bounded["train"].spec(run) for run in runs]

    assert changed == [False, False, True]
    assert [bounded["train"].inputs(run)["images"].rsplit("/", 1)[1] for run in runs] == [
        "42.npy",
        "resize_shorter-36-bilinear.ragged",
        "bound_shorter-100-bilinear.ragged",
    ]
    assert str(bounded["train"].spec(runs[2]).geometry.start) == "bound_shorter 100 bilinear"


def test_reduced_decoding_is_said_by_runs_evaluations_and_stores(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, timing={"scope": "end_to_end"}, data={"reduced_decoding": True})

    starts = {
        job.kind.rule: str(spec.start if job.kind.rule == "ragged" else spec.geometry.start)
        for job in graph.jobs()
        if (spec := job.kind.spec(job.identity)) and job.kind.rule in ("ragged", "train", "evaluate", "end_to_end")
    }

    assert set(starts.values()) == {"reduced 42 | resize_square 42"}
    assert set(starts) == {"ragged", "train", "evaluate", "end_to_end"}


def test_the_disk_that_a_store_takes_is_reckoned_from_the_size_of_images(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, crops=["fixres", "fixed_scale"], data={"shorter_side": 64})
    bounded, resized = (
        graph["ragged"].disk(RaggedStore("small", made))
        for made in ("bound_shorter-64-bilinear", "resize_shorter-36-bilinear")
    )

    # Images of typefaces are squares of 128 pixels.
    images = sum(graph.estimates.images("small")[:3])
    assert (bounded, resized) == (images * 3 * 64**2, images * 3 * 36**2)


def test_a_job_is_found_by_the_names_in_the_paths_of_its_rule(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, settings=["frozen", "cal", "cal_nc"])
    where = {"dataset": "small", "backbone": "net", "train_size": "32"}

    alone = graph["evaluate"].of(SimpleNamespace(**where, setting="frozen", test_size="48", seed="7"))
    both = graph["evaluate_both"].of(SimpleNamespace(**where, regime="cal", test_size="32", seed="1"))
    tried = graph["tune"].of(SimpleNamespace(**where, regime="cal", learning_rate="1e-05"))
    point = graph["timing"].of(SimpleNamespace(backbone="net", setting="cal_nc", test_size="32", classes="3"))

    assert alone == Evaluation.at(Run("small", "net", "frozen", 32, 7), 48)
    assert files(graph["evaluate_both"].paths(both)) == [
        f"out/evaluations/small/net/{setting}/32-32/seed1/{file}.parquet"
        for file in ("metrics", "predictions")
        for setting in ("cal", "cal_nc")
    ]
    assert graph["tune"].done(tried) == "out/tuning/small/net/cal/32/lr1e-05.parquet"
    assert point == CostPoint("net", "cal_nc", 32, 3)


def test_rules_are_those_that_a_study_has_jobs_for(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, settings=["cal", "cal_nc"])

    assert [kind.rule for kind in graph.evaluations] == ["evaluate_both"]
    assert graph["tune"].regimes == ["cal"]
    assert graph["tune_frozen"].regimes == []


def test_settings_that_end_alike_share_a_rule_whose_name_says_how(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, settings=["frozen", "cal", "cal_nc", "calmix", "calmix_nc"])

    together = {kind.rule: (kind.regimes, kind.constraints()) for kind in graph.evaluations}

    assert together == {
        "evaluate": (["frozen"], {"setting": "frozen"}),
        "evaluate_both": (["cal", "calmix"], {"regime": "cal|calmix"}),
    }
    assert [evaluation_rule(settings) for settings in (["cal_nc"], ["cal", "cal_nc"])] == ["evaluate", "evaluate_both"]
    assert [rule_of(endings) for endings in (("", "+ten"), ("", "_nc", "+ten"))] == ["evaluate_ten", "evaluate_nc_ten"]


def test_an_evaluation_costs_the_views_that_no_other_of_its_settings_has(tmp_path: Path) -> None:
    estimates = graph_of(tmp_path).estimates
    job = Evaluation("small", "net", "cal", 32, 32, 1)

    both, alone = (
        graph_of(tmp_path, settings=settings).evaluate(job.run).estimate(job)
        for settings in (["cal", "cal_nc"], ["cal_nc"])
    )

    assert looked_at(["cal", "cal_nc"]) == ["cal"]
    assert both == estimates.evaluation("small", "net", "cal", 32)
    assert alone == estimates.evaluation("small", "net", "cal_nc", 32)


def test_the_rules_ask_snakemake_for_what_it_does_not_document_in_one_file_alone() -> None:
    asked = re.compile(r"\bworkflow\.(?!basedir)\w+|sys\.argv|snakemake\.common")

    found = {
        path.name: asked.findall(re.sub(r"#.*|fgir\.workflow\S*|report/workflow", "", path.read_text()))
        for path in sorted((ROOT / "workflow").rglob("*"))
        if path.name == "Snakefile" or path.suffix == ".smk"
    }

    assert [name for name, uses in found.items() if uses] == ["snakemake.smk"]


def test_resolution_is_drawn_where_a_model_is_tested_at_more_than_one_size_alone(tmp_path: Path) -> None:
    several, one, own = (
        graph_of(tmp_path, **sizes)
        for sizes in ({"test_sizes": [32, 64]}, {"test_sizes": [64]}, {"train_sizes": [32, 64]})
    )

    drawn = [[path for path in graph.targets() if "/resolution/" in path] for graph in (several, one, own)]

    pictures = [f"out/figures/resolution/{name}.{form}" for name in ("small", "large") for form in ("png", "svg")]
    assert drawn == [pictures, [], []]


@pytest.fixture
def fixres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    """Four cells of the published study of resolutions, and one that it does not have."""
    monkeypatch.chdir(ROOT)
    study = {"name": "few", "datasets": ["imagenet"], "backbones": ["tv_resnet50"], "settings": ["pretrained"]}
    sizes = {"crops": ["fixres"], "train_sizes": [128, 224], "test_sizes": [224, 300], "results": "out"}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study | sizes))
    return Graph(Specs(load_study(tmp_path / "study.yaml")))


@pytest.mark.parametrize(
    ("rule", "wildcard"), [("fixres", {"table": "table5"}), ("fixres_figure", {"figure": "figure5"})]
)
def test_a_published_table_waits_for_those_of_its_cells_that_the_study_has(
    fixres: Graph, rule: str, wildcard: dict[str, str]
) -> None:
    kind = fixres[rule]

    read = kind.inputs(kind.of(SimpleNamespace(**wildcard)))

    cells = [f"out/cells/imagenet/tv_resnet50/pretrained/fixres-{train}-224.parquet" for train in (128, 224)]
    assert read == {"published": "config/published/arxiv-1906.06423.csv", "cells": cells}
    assert not any("/fixres/" in target for target in fixres.targets())


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("out/fixres/table5.md", None),
        ("out/fixres/figure5.svg", None),
        ("out/fixres/tabel5.md", 'no such table or figure "tabel5"; did you mean "table5"'),
        ("out/fixres/table5.png", 'no such table or figure "table5"; valid names: figure5, figure8'),
        ("out/fixres/table9.md", "has no cell of it; fgir fixres table9 --published shows the published values alone"),
    ],
)
def test_a_published_table_that_cannot_be_made_is_refused_before_any_job(
    fixres: Graph, target: str, sentence: str | None
) -> None:
    if sentence is None:
        validate_target(fixres.study, [1000], target)
        assert identity_of(fixres.study, target) is None
    else:
        with pytest.raises(FgirError, match=sentence):
            validate_target(fixres.study, [1000], target)
