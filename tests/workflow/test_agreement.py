"""The graph of jobs, the plan, and what Snakemake plans agree on every job."""

import re
from copy import deepcopy
from typing import Any

import pytest
from tiny import STUDY, Bench

from fgir.study import Cell
from fgir.workflow.graph import Graph, Job, Paths
from fgir.workflow.plan import Plan

# What Snakemake prints of a job: its rule, what it writes, and with that what it reads.
Jobs = dict[tuple[str, frozenset[str]], frozenset[str]]
ADAPTATIONS = {"last": {"part": "classifier", "epochs": 1, "batch_size": 6}}
CHANGES: dict[str, dict[str, Any]] = {
    "pairs of settings, from image files on": {
        "seeds": [1, 2],
        "test_sizes": [64, 96],
        "timing": {"scope": "end_to_end"},
    },
    "single settings, without a pixel store": {
        "settings": ["frozen", "finetuned", "cal_nc", "calmix", "calmix_nc"],
        "train_sizes": [64, 96],
        "test_sizes": [64, 128],
        "data": {"pixels": "decode"},
        "tuning": {"learning_rates": {"frozen": [0.1], "finetuned": [0.1], "cal": [0.1, 0.01], "calmix": [0.1]}},
    },
    "weights as they are, with every axis": {
        "settings": ["pretrained", "pretrained+ten_crop"],
        "test_sizes": [64, 96],
        "crops": ["square", "fixres"],
        "adaptations": ["none", "last"],
    },
    "trained weights, with every axis": {
        "settings": ["frozen", "frozen+ten_crop", "cal_nc"],
        "crops": ["fixres", "square"],
        "adaptations": ["last", "none"],
    },
}


def said_by(graph: Graph, jobs: list[Job]) -> Jobs:
    return {(job.kind.rule, files(job.kind.paths(job.identity))): files(job.kind.inputs(job.identity)) for job in jobs}


def files(paths: Paths) -> frozenset[str]:
    return frozenset(file for path in paths.values() for file in ([path] if isinstance(path, str) else path))


def printed(output: str) -> Jobs:
    found = {}
    for rule, job in re.findall(r"^(?:local)?rule (\w+):\n((?: {4}.+\n)+)", output, re.MULTILINE):
        said = dict(line.strip().split(": ", 1) for line in job.splitlines() if ": " in line)
        read, written = (frozenset(said[name].split(", ") if name in said else []) for name in ("input", "output"))
        found[rule, written] = read
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_snakemake_the_graph_and_the_plan_agree_on_every_job(empty_study: Bench, change: str) -> None:
    study = deepcopy(STUDY) | {"results": str(empty_study.folder / "results")} | CHANGES[change]
    empty_study.write(study, adaptations=ADAPTATIONS)
    graph = empty_study.graph(study)
    setting, (train_size, test_size) = study["settings"][-1], graph.study.sizes()[-1]
    cell = Job(graph["cell"], Cell("letters", "net", setting, train_size, test_size))
    jobs = list(graph.jobs())

    done = empty_study.snakemake("--dry-run", "all", cell.kind.done(cell.identity))

    assert done.returncode == 0, done.stdout
    planned = printed(done.stdout)
    assert planned.pop(("all", frozenset())) == frozenset(graph.targets())
    assert planned == said_by(graph, [*jobs, cell])
    rows = Plan(graph.specs).rows
    assert [(row["rule"], row["path"]) for row in rows] == [
        (job.kind.rule, job.kind.done(job.identity)) for job in jobs
    ]
