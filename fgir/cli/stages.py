"""Define the verbs that the workflow calls: each reads a spec and files, and writes files."""

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fgir.cli.resumable import resumable
from fgir.specs import (
    AdaptationSpec,
    AdoptSpec,
    ChoiceSpec,
    EndToEndSpec,
    EvaluationSpec,
    MacsSpec,
    PixelsSpec,
    RunSpec,
    SearchSpec,
    SourceSpec,
    SplitSpec,
    SummarySpec,
    TimingSpec,
    WeightsSpec,
    parse,
)
from fgir.study import SETTINGS
from fgir.study.catalogue import load_backbones
from fgir.study.strict import Strict
from fgir.utils.errors import FgirError
from fgir.utils.threads import use_threads
from fgir.utils.words import counted
from fgir.workflow.models import macs_of_backbone, timing_of_backbone

_Verbs = Any
_Stage = Callable[[Any, argparse.Namespace], None]


def add_verbs(verbs: _Verbs) -> None:
    """Add a verb for every stage."""
    _add(verbs, "download", SourceSpec, _download, "fetch, render or locate a dataset's images", "catalogue", "out")
    _add(verbs, "manifest", SourceSpec, _manifest, "read every image once and list it", "source", "out")
    _add(verbs, "split", SplitSpec, _split, "divide a dataset into train, val and test", "manifest", "out")
    _add(verbs, "pixels", PixelsSpec, _pixels, "resize every image once", "source", "split", "out", "threads")
    _add(verbs, "weights", WeightsSpec, _weights, "fetch a backbone's pretrained weights", "licence", "out")
    training = ("split", "weights", "images", "work", "threads", "processes", "log?", "out")
    _add(verbs, "tune", SearchSpec, _tune, "train candidates of the learning-rate search", *training)
    _add(verbs, "choose", ChoiceSpec, _choose, "choose a learning rate among candidates", "candidates", "out")
    _add(verbs, "train", RunSpec, _train, "train one run", "best?", *training)
    text = "make a run of pretrained weights as they are, with their own classifier"
    _add(verbs, "adopt", AdoptSpec, _adopt, text, "manifest", "weights", "out")
    adaptation = ("run", "split", "images", "work", "threads", "processes", "log?", "out")
    _add(verbs, "adapt", AdaptationSpec, _adapt, "adapt a trained run to a test size", *adaptation)
    evaluation = ("settings", "run", "adapted?", "split", "images", "threads", "metrics")
    _add(verbs, "evaluate", EvaluationSpec, _evaluate, "measure the accuracy of a trained run", *evaluation)
    macs = _add_cost(verbs, "macs", MacsSpec, _macs, "count multiply-adds")
    macs.add_argument(
        "--classes", type=int, nargs="+", default=[1000], help="numbers of classes, a row for each (default 1000)"
    )
    macs.add_argument("--out", type=Path, nargs="+", help="Parquet files for the rows, one for each of --classes")
    timing = _add_cost(verbs, "timing", TimingSpec, _timing, "measure throughput, latency and memory in a new process")
    timing.add_argument(
        "--classes", type=int, default=1000, help="number of classes (default 1000; a --spec has its own)"
    )
    timing.add_argument("--out", type=Path, help="write the row to this Parquet file")
    text = "measure throughput and latency from image files to the loss, as published"
    _add(verbs, "end_to_end", EndToEndSpec, _end_to_end, text, "source", "split", "threads", "out")
    _add(verbs, "cell", SummarySpec, _cell, "make one row of the summary", "published?", "out")
    _add(verbs, "summary", SummarySpec, _summary, "merge all rows into the tables", "published?", "out")
    _add(
        verbs, "partial", SummarySpec, _partial, "write the tables and figures of what a failed run left", "published?"
    )
    _add(verbs, "figure", None, _figure, "draw accuracy against cost", "summary", "dataset", "out")
    _add(verbs, "resolution_figure", None, _resolution, "draw accuracy against test size", "summary", "dataset", "out")


_OPTIONS: dict[str, dict[str, Any]] = {
    "licence": {"default": "not stated", "help": "the weights' licence in today's catalogue"},
    "catalogue": {"type": Path, "help": "datasets.yaml, which says where files come from"},
    "source": {"type": Path, "help": "source.json of the dataset"},
    "manifest": {"type": Path, "help": "manifest.parquet"},
    "split": {"type": Path, "help": "split.parquet"},
    "images": {"type": Path, "help": "pixel store (.npy), or source.json to decode images each time"},
    "weights": {"type": Path, "help": "the backbone's weights (.safetensors)"},
    "candidates": {"type": Path, "nargs": "+", "help": "files of the candidates"},
    "best": {
        "type": Path,
        "nargs": "?",
        "help": "best.parquet of the search; not needed if the spec has the learning rate",
    },
    "published": {"type": Path, "nargs": "?", "help": "CSV file of published accuracies to compare with"},
    "run": {"type": Path, "dest": "run_folder", "help": "folder of the run"},
    "adapted": {
        "type": Path,
        "nargs": "?",
        "help": "adapted.safetensors of an adaptation of the run; adapt.parquet is beside it",
    },
    "work": {"type": Path, "help": "folder of the resumable state"},
    "summary": {"type": Path, "help": "summary.parquet"},
    "dataset": {"help": "name of the dataset"},
    "settings": {"choices": SETTINGS, "nargs": "+", "help": "settings of the run's regime"},
    "metrics": {"type": Path, "nargs": "+", "help": "metrics.parquet of each setting; predictions go beside it"},
    "threads": {"type": int, "default": 1, "help": "CPU threads (default 1)"},
    "processes": {"type": int, "default": 1, "help": "processes that train together, one for each GPU (default 1)"},
    "log": {"type": Path, "help": "the log, to which the output goes; after a restart it begins with the old log"},
    "out": {"type": Path, "nargs": "+", "help": "files or folder to write"},
}


def _add(verbs: _Verbs, name: str, kind: type[Strict] | None, stage: _Stage, text: str, *options: str) -> None:
    verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    if kind is not None:
        verb.add_argument("--spec", required=True, help=f"the job's {kind.__name__} as JSON")
    for option in options:
        plain = option.rstrip("?")
        required = not option.endswith("?") and "default" not in _OPTIONS[plain]
        verb.add_argument(f"--{plain}", required=required, **_OPTIONS[plain])
    verb.set_defaults(run=lambda given: stage(parse(kind, given.spec) if kind else None, given))


def _add_cost(verbs: _Verbs, name: str, kind: type[Strict], stage: _Stage, text: str) -> Any:
    verb = verbs.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}. Name a backbone or a timm tag; it prints a row as one JSON line.",
    )
    verb.add_argument("--backbone", help="name in config/backbones.yaml, or an explicit timm tag")
    verb.add_argument("--setting", choices=SETTINGS, default="finetuned")
    verb.add_argument("--size", type=int, default=224, help="image side, pixels")
    verb.add_argument("--backbones-file", type=Path, default=Path("config/backbones.yaml"))
    verb.add_argument("--spec", help=f"the job's {kind.__name__} as JSON, in place of the options above")
    verb.add_argument("--threads", **_OPTIONS["threads"])

    def run(given: argparse.Namespace) -> None:
        if not given.spec and not given.backbone:
            verb.error("name a --backbone (or give a --spec)")
        stage(parse(kind, given.spec) if given.spec else None, given)

    verb.set_defaults(run=run)
    return verb


def _download(spec: SourceSpec, given: argparse.Namespace) -> None:
    from fgir.data.manifest import write_source
    from fgir.data.sources.archive import located
    from fgir.data.sources.registry import acquire

    today = located(spec, given.catalogue)
    write_source(today, acquire(today), given.out[0])


def _manifest(spec: SourceSpec, given: argparse.Namespace) -> None:
    from fgir.data.manifest import read_root, write_manifest

    write_manifest(spec, read_root(given.source), given.out[0])


def _split(spec: SplitSpec, given: argparse.Namespace) -> None:
    from fgir.data.split import write_split

    write_split(spec, given.manifest, given.out[0])


def _pixels(spec: PixelsSpec, given: argparse.Namespace) -> None:
    from fgir.data.manifest import read_root
    from fgir.data.pixels import write_store

    write_store(spec, read_root(given.source), given.split, given.out[0], given.threads)


def _weights(spec: WeightsSpec, given: argparse.Namespace) -> None:
    from fgir.models.weights import write_weights

    write_weights(spec, given.out[0], given.licence)


def _tune(spec: SearchSpec, given: argparse.Namespace) -> None:
    def tune(workers: int) -> None:
        from fgir.training.train import Inputs, train_candidates

        inputs = Inputs(given.split, given.weights, given.images, given.work, workers, given.log)
        train_candidates(spec, inputs, given.out[0])

    resumable(spec.run, tune, given)


def _choose(spec: ChoiceSpec, given: argparse.Namespace) -> None:
    from fgir.training.search import choose

    choose(spec, given.candidates, given.out[0])


def _train(spec: RunSpec, given: argparse.Namespace) -> None:
    def train(workers: int) -> None:
        from fgir.training.train import Inputs, train_run

        inputs = Inputs(given.split, given.weights, given.images, given.work, workers, given.log)
        train_run(spec, inputs, given.best, given.out[0])

    resumable(spec, train, given)


def _adopt(spec: AdoptSpec, given: argparse.Namespace) -> None:
    from fgir.training.adopt import adopt

    adopt(spec, given.manifest, given.weights, given.out[0])


def _adapt(spec: AdaptationSpec, given: argparse.Namespace) -> None:
    def work(workers: int) -> None:
        from fgir.adaptation.adapt import adapt
        from fgir.training.train import Inputs

        weights = given.run_folder / "model.safetensors"
        inputs = Inputs(given.split, weights, given.images, given.work, workers, given.log)
        adapt(spec, given.run_folder, inputs, given.out[0])

    resumable(spec.training, work, given)


def _evaluate(spec: EvaluationSpec, given: argparse.Namespace) -> None:
    from fgir.evaluation.evaluate import evaluate

    workers = use_threads(given.threads)
    if len(given.settings) != len(given.metrics):
        files, settings = counted(len(given.metrics), "file"), counted(len(given.settings), "setting")
        raise FgirError(f"--metrics names {files} for {settings}; give one for each.")
    metrics = dict(zip(given.settings, given.metrics, strict=True))
    evaluate(spec, metrics, given.run_folder, given.split, given.images, workers, given.adapted)


def _macs(spec: MacsSpec | None, given: argparse.Namespace) -> None:
    if given.out and len(given.out) != len(given.classes):
        raise FgirError(
            f"--out names {counted(len(given.out), 'file')} for {len(given.classes)} --classes; give one for each."
        )
    if spec is None:
        spec = macs_of_backbone(given.backbone, load_backbones(given.backbones_file), given.setting, given.size)
    from fgir.cost.macs import count_macs

    use_threads(given.threads)
    for number, classes in enumerate(given.classes):
        _print_or_write("macs", count_macs(spec, classes), given.out and given.out[number])


def _timing(spec: TimingSpec | None, given: argparse.Namespace) -> None:
    if spec is None:
        entries = load_backbones(given.backbones_file)
        spec = timing_of_backbone(given.backbone, entries, given.setting, given.size, given.classes)
    from fgir.cost.timing import time_model

    use_threads(given.threads)
    _print_or_write("timing", time_model(spec), given.out)


def _end_to_end(spec: EndToEndSpec, given: argparse.Namespace) -> None:
    from fgir.cost.end_to_end import time_end_to_end

    workers = use_threads(given.threads)
    _print_or_write("end_to_end", time_end_to_end(spec, given.source, given.split, workers), given.out[0])


def _cell(spec: SummarySpec, given: argparse.Namespace) -> None:
    from fgir.results.aggregate import cell_row
    from fgir.results.parquet import write_rows
    from fgir.results.published import published_of

    published = published_of(given.published)
    write_rows("summary", [cell_row(cell, Path(spec.results), published) for cell in spec.cells()], given.out[0])


def _summary(spec: SummarySpec, given: argparse.Namespace) -> None:
    from fgir.report.partial import forget_partial
    from fgir.results.aggregate import write_tables
    from fgir.results.published import published_of

    evaluations, summary = given.out
    write_tables(spec.cells(), Path(spec.results), evaluations, summary, published_of(given.published))
    forget_partial(spec.results)


def _partial(spec: SummarySpec, given: argparse.Namespace) -> None:
    from fgir.report.partial import write_partial
    from fgir.study.address import PARTIAL_FIGURES, PARTIAL_SUMMARY

    whole = write_partial(spec, given.published)
    print(f"What is there: fgir show {shlex.quote(f'{spec.results}/{PARTIAL_SUMMARY}')}")
    if whole:
        print(f"Figures of {', '.join(whole)}, whose cells are all there: {spec.results}/{PARTIAL_FIGURES}/")


def _resolution(_: None, given: argparse.Namespace) -> None:
    from fgir.report.figures.resolution import write_resolution

    write_resolution(given.summary, given.dataset, given.out)


def _figure(_: None, given: argparse.Namespace) -> None:
    from fgir.report.figures.accuracy import write_figure

    write_figure(given.summary, given.dataset, given.out)


def _print_or_write(table: str, row: dict[str, Any], out: Path | None) -> None:
    if out is None:
        import json

        print(json.dumps(row))
    else:
        from fgir.results.parquet import write_rows

        write_rows(table, [row], out)
