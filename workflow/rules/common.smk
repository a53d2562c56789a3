# What the other files here use: the study, its job specs, and the inputs that depend on it.
import atexit
import gc
import inspect
import re
import signal
import sys
from pathlib import Path

# The package stands beside the workflow: a checkout runs without being installed, here and in the jobs.
sys.path.insert(0, str(Path(workflow.basedir).parent))

# By these signals Slurm warns every process of a job. A run listens to them (fgir/utils/signals.py); Snakemake and
# its shells, which run it, would die of them and take the run along before it can ask Slurm to start the job again.
if not workflow.is_main_process:
    for warning in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(warning, signal.SIG_IGN)

from snakemake.common import overwrite_function_params
from snakemake.exceptions import WorkflowError
from snakemake.resources import Resource

from fgir.study import address

from fgir.workflow import inputs
from fgir.utils.errors import FgirError
from fgir.utils.machine import has_gpu, prepare_jobs
from fgir.specs import canonical
from fgir.workflow.specs import Specs
from fgir.workflow.estimate import FIXED, READING_MB, Estimates
from fgir.study.strict import read_yaml
from fgir.study import METHODS, REGIME_OF, Cell, CostPoint, EndToEnd, Run, study_of

prepare_jobs()


def read_strictly(files):
    """Refuse what Snakemake takes for YAML, such as a key given twice, and what it has no sentence for."""
    try:
        for file in files:
            read_yaml(file)
    except FgirError as error:
        raise WorkflowError(str(error)) from None


# A file that --configfile names Snakemake has read already; the default one comes first here.
if not workflow.overwrite_configfiles:
    read_strictly(["config/config.yaml"])

    configfile: "config/config.yaml"


read_strictly(workflow.configfiles)

try:
    STUDY = study_of(config, " + ".join(map(str, workflow.configfiles)) or "--config")
    SPECS = Specs(STUDY)
    ESTIMATES = Estimates(SPECS)
except FgirError as error:
    raise WorkflowError(str(error)) from None

# Planning makes millions of small objects and hardly any garbage: looking for it took a sixth of the time. The
# Snakefile turns the search on again when jobs start. At the end Python would look once more, for half a second.
gc.disable()
atexit.register(gc.freeze)


def with_known_parameters(function):
    """Return the function itself, whose parameters Snakemake then knows; otherwise it inspects them for every job.

    With Snakemake's own method for resources, just below, this takes a seventh off the planning.
    """
    overwrite_function_params(function, inspect.signature(function).parameters)
    return function


with_known_parameters(Resource.evaluate)

ENVIRONMENT = "../../environment.yml"


wildcard_constraints:
    dataset=r"[^/]+",
    backbone=r"[^/]+",
    regime="|".join(STUDY.regimes),
    setting="|".join(map(re.escape, STUDY.settings)),
    train_size=r"\d+",
    test_size=r"\d+",
    seed=r"\d+",
    size=r"\d+",
    classes=r"\d+",
    learning_rate=r"[0-9.e-]+",
    format="png|svg",


def results(pattern):
    """A path or pattern below the study's results folder."""
    # No study asks for an adaptation.
    return f"{STUDY.results}/{pattern}".replace("{adaptation}", "")


def logs(pattern):
    """A path or pattern below the study's folder of logs and benchmarks."""
    return f"{STUDY.logs}/{pattern}"


def work(pattern):
    """A pattern below the study's folder of resumable state, which is no output of any rule."""
    return f"{STUDY.work}/{pattern}"


def fill(pattern, *records, **more):
    """The path below the results folder of what the records name."""
    return results(address.fill(pattern, *records, **more))


def only(names):
    """The wildcard constraint that admits these names alone, and none where there are none."""
    return "|".join(names) or "(?!)"


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


def end_to_end_of(wildcards):
    """The timing from image files to the loss that wildcards name."""
    return EndToEnd(
        wildcards.dataset,
        wildcards.backbone,
        wildcards.setting,
        int(wildcards.test_size),
    )


# Where a study has both settings of a regime, one job evaluates them: they share the images and the first view.
EVALUATED_ALONE = [
    setting
    for setting in STUDY.settings
    if STUDY.settings_of(REGIME_OF[setting]) == [setting]
]
EVALUATED_TOGETHER = [
    regime for regime in STUDY.regimes if len(STUDY.settings_of(regime)) > 1
]


def evaluation_spec(wildcards):
    """Return the spec of the evaluations of a run at one size."""
    return SPECS.evaluation(run_of(wildcards), int(wildcards.test_size))


def with_and_without_crops(pattern):
    """The paths of both settings of a regime."""
    regime = results(pattern).replace("{setting}", "{regime}")
    return [regime, regime.replace("{regime}", "{regime}_nc")]


# A parameter of a function that asks for the output reruns nothing. These are what a job must know, and no part of what
# its files mean.
@with_known_parameters
def classes_of(wildcards, output):
    """Return the numbers of classes that the paths of MACs name: a study of other datasets finds its MACs counted."""
    return named_in(output.macs, address.MACS, "classes")


@with_known_parameters
def settings_of(wildcards, output):
    """Return the settings that the paths of metrics name: a study with more or fewer of them evaluates none again."""
    return named_in(output.metrics, address.METRICS, "setting")


@with_known_parameters
def licence_of(wildcards, output):
    """Return the licence of a backbone's weights, which may be corrected."""
    return STUDY.backbone_entries[wildcards.backbone].licence


@with_known_parameters
def catalogue(wildcards, output):
    """Return the file of the catalogue of datasets, which may be moved."""
    return STUDY.datasets_file


def named_in(paths, pattern, key):
    """Return what paths of results of a pattern say of one key; ``paths`` is one where a rule has one."""
    paths = [paths] if isinstance(paths, str) else paths
    return [
        address.identity(pattern, path.removeprefix(results("")))[key] for path in paths
    ]


def spec_of(named):
    """The parameter `spec` of a rule: canonical JSON of what `named` makes of the wildcards."""
    return with_known_parameters(lambda wildcards: canonical(named(wildcards)))


@with_known_parameters
def training_inputs(wildcards):
    """Inputs of a training, whether a candidate or the final run."""
    dataset, backbone = wildcards.dataset, wildcards.backbone
    return inputs.training_inputs(STUDY, dataset, backbone, int(wildcards.train_size))


def frozen_search(wildcards):
    """The search of a frozen backbone: all candidates in one job."""
    dataset, backbone, regime = (
        wildcards.dataset,
        wildcards.backbone,
        wildcards.regime,
    )
    rates = SPECS.rates(dataset, regime)
    return SPECS.search(dataset, backbone, regime, int(wildcards.train_size), rates)


@with_known_parameters
def candidates_of(wildcards):
    """The files of a search: one of all candidates of a frozen backbone, otherwise one each."""
    if not METHODS[wildcards.regime].trains_backbone:
        return [fill(address.CANDIDATES, **wildcards)]
    rates = SPECS.rates(wildcards.dataset, wildcards.regime)
    return [fill(address.CANDIDATE, **wildcards, learning_rate=rate) for rate in rates]


@with_known_parameters
def searched_best(wildcards):
    """The choice of a run's learning rate; nothing where the regime has one candidate, which needs no search."""
    return inputs.searched_best(STUDY, *run_of(wildcards)[:4]) or []


@with_known_parameters
def evaluation_inputs(wildcards):
    """Inputs of an evaluation: the run's weights and the images."""
    return inputs.evaluation_inputs(STUDY, run_of(wildcards), int(wildcards.test_size))


# Does the study ask for timings from image files to the loss too?
STREAMS = STUDY.timing.scope == "end_to_end"


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
        "end_to_end": [fill(address.END_TO_END, EndToEnd.of(cell))] if STREAMS else [],
        "published": [STUDY.published_file] if STUDY.published_file else [],
    }


def summary_inputs(wildcards):
    """Inputs of the summary: those of all its cells, each file once."""
    gathered = {}
    for cell in STUDY.cells():
        for name, paths in cell_inputs(cell).items():
            gathered.setdefault(name, {}).update(dict.fromkeys(paths))
    return {name: list(paths) for name, paths in gathered.items()}


def scale_with_attempt(first):
    """A resource that grows with every attempt: a job that ran out of it gets more.

    For rules whose jobs may run out: each such resource adds a tenth of a millisecond to the planning of a job.
    """
    return with_known_parameters(lambda wildcards, attempt: first * attempt)


def minutes_of(stage):
    """Time limit of a job of training, search or evaluation: the plan's estimate, more with every attempt."""

    @with_known_parameters
    def minutes(wildcards, attempt):
        kind = getattr(wildcards, "setting", None) or regime_of(wildcards)
        size = getattr(wildcards, "test_size", None) or wildcards.train_size
        key = (wildcards.dataset, wildcards.backbone, kind, int(size))
        return attempt * ESTIMATES.minutes(stage, *key)

    return minutes


@with_known_parameters
def minutes_to_read(wildcards, attempt):
    """Time limit of a job that reads every image of a dataset: the plan's estimate, more with every attempt."""
    return attempt * ESTIMATES.reading(wildcards.dataset).minutes


@with_known_parameters
def megabytes(wildcards, attempt):
    """Main memory of such a job: the plan's estimate, more with every attempt."""
    key = (wildcards.dataset, wildcards.backbone, regime_of(wildcards))
    return attempt * ESTIMATES.megabytes(*key)


def regime_of(wildcards):
    """The regime of a job: by its name, or by that of its setting."""
    if hasattr(wildcards, "setting"):
        return REGIME_OF[wildcards.setting]
    return wildcards.regime
