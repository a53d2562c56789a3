# What every rule file uses: the study, its job specs, and the inputs that depend on it.
import os
import shlex
import subprocess
import sys
from pathlib import Path

# The package stands beside the workflow: a checkout runs without being installed, here and in the jobs.
ROOT = str(Path(workflow.basedir).parent)
sys.path.insert(0, ROOT)
os.environ["PYTHONPATH"] = os.pathsep.join(
    [ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
)

from snakemake.exceptions import WorkflowError

from fgir import address
from fgir.errors import FgirError
from fgir.specs import Specs, canonical, resized_side
from fgir.study import REGIME_OF, Cell, CostPoint, Run, study_of

try:
    STUDY = study_of(config, " + ".join(map(str, workflow.configfiles)) or "--config")
    SPECS = Specs(STUDY)
except FgirError as error:
    raise WorkflowError(str(error)) from None

ENVIRONMENT = "../../environment.yml"
FGIR = shlex.join([sys.executable, "-m", "fgir"])


wildcard_constraints:
    dataset=r"[^/]+",
    backbone=r"[^/]+",
    regime="|".join(STUDY.regimes),
    setting="|".join(STUDY.settings),
    train_size=r"\d+",
    test_size=r"\d+",
    seed=r"\d+",
    size=r"\d+",
    classes=r"\d+",
    learning_rate=r"[0-9.e-]+",
    format="png|svg",


def results(pattern):
    """A path or pattern below the study's results folder."""
    return f"{STUDY.results}/{pattern}"


def logs(pattern):
    """A path or pattern below the study's folder of logs and benchmarks."""
    return f"{STUDY.logs}/{pattern}"


def fill(pattern, *records, **more):
    """The path below the results folder of what the records name."""
    return results(address.fill(pattern, *records, **more))


def run_of(wildcards):
    """The run that wildcards name; an evaluation names one through its setting."""
    regime = getattr(wildcards, "regime", None) or REGIME_OF[wildcards.setting]
    return Run(
        wildcards.dataset,
        wildcards.backbone,
        regime,
        int(wildcards.train_size),
        int(getattr(wildcards, "seed", STUDY.tuning.seed)),
    )


def cell_of(wildcards):
    """The cell that wildcards name."""
    return Cell(
        wildcards.dataset,
        wildcards.backbone,
        wildcards.setting,
        int(wildcards.train_size),
        int(wildcards.test_size),
    )


def cost_point_of(wildcards):
    """The cost point that wildcards name."""
    return CostPoint(
        wildcards.backbone,
        wildcards.setting,
        int(wildcards.test_size),
        int(wildcards.classes),
    )


def image_inputs(dataset, size):
    """Inputs of a job that reads images: the pixel store, or where they lie."""
    split = fill(address.SPLIT, dataset=dataset)
    if STUDY.data.pixels == "store":
        pixels = fill(address.PIXELS, dataset=dataset, size=resized_side(int(size)))
        return {"split": split, "images": pixels}
    return {"split": split, "images": fill(address.SOURCE, dataset=dataset)}


IMAGES = "--pixels" if STUDY.data.pixels == "store" else "--source"


def cell_inputs(cell):
    """Inputs of one row of the summary."""
    point = SPECS.cost_point(cell)
    regime = REGIME_OF[cell.setting]
    identity = (cell.dataset, cell.backbone, regime, cell.train_size)
    return {
        "metrics": [fill(address.METRICS, cell, seed=seed) for seed in STUDY.seeds],
        "train": [fill(address.TRAIN, Run(*identity, seed)) for seed in STUDY.seeds],
        "macs": [fill(address.MACS, point)],
        "timing": [fill(address.TIMING, point)],
    }


def summary_inputs(wildcards):
    """Inputs of the summary: those of all its cells, each file once."""
    gathered = {}
    for cell in STUDY.cells():
        for name, paths in cell_inputs(cell).items():
            gathered.setdefault(name, {}).update(dict.fromkeys(paths))
    return {name: list(paths) for name, paths in gathered.items()}


def growing(first):
    """A resource that grows with every attempt: a job that ran out of it gets more."""
    return lambda wildcards, attempt: first * attempt


def gpus_here():
    """1 where this machine has a GPU, else 0; a cluster's profile says 1 in its set-resources."""
    return int(any(Path("/dev").glob("nvidia[0-9]*")))


def write_partial_summary():
    """Write the tables of what is there after a failed workflow."""
    tables = [results(address.EVALUATIONS), results(address.SUMMARY)]
    spec = canonical(SPECS.summary())
    command = ["summary", "--spec", spec, "--results", STUDY.results, "--out", *tables]
    subprocess.run([sys.executable, "-m", "fgir", *command], check=False)
    print(f"Some jobs failed; the rest is in {tables[1]}: fgir show {tables[1]}")
