"""From a study to the specs of its jobs."""

from functools import cache
from typing import Any, Literal

from fgir.specs import (
    RECIPE,
    AdaptationSpec,
    AdoptSpec,
    ChoiceSpec,
    EndToEndSpec,
    EvaluationSpec,
    MacsSpec,
    ModelSpec,
    PixelsSpec,
    RunSpec,
    SearchSpec,
    SourceSpec,
    SplitSpec,
    SummarySpec,
    TimingSpec,
    WeightsSpec,
)
from fgir.study import (
    METHOD_OPTIONS,
    METHODS,
    REGIME_OF,
    Adapted,
    CalOptions,
    Cell,
    CostPoint,
    EndToEnd,
    Regime,
    Run,
    Search,
    Setting,
    Study,
    TimingOptions,
    TrainingOptions,
)
from fgir.study.catalogue import Dataset
from fgir.study.geometry import Transform, geometry_of, keeps_aspect, resized_side
from fgir.study.identities import UNADAPTED
from fgir.workflow.data_specs import class_count, source_of, split_of
from fgir.workflow.models import cal_of, model_spec
from fgir.workflow.table_specs import cell_of, summary_of


class Specs:
    """The specs of a study's jobs, by identity. Looks entries up in dicts: planning asks tens of thousands of times."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.classes = {name: class_count(name, entry) for name, entry in study.dataset_entries.items()}
        self._models = {
            name: model_spec(name, entry, study.data.normalisation) for name, entry in study.backbone_entries.items()
        }
        self._models_of = {
            dataset: {name: self._normalised(model, entry) for name, model in self._models.items()}
            for dataset, entry in study.dataset_entries.items()
        }
        self._training_of = {dataset: self._batched(dataset) for dataset in study.datasets}
        self._training = cache(self._training_by)

    def class_counts(self) -> list[int]:
        """Return the numbers of classes of the study's datasets, each once."""
        return sorted(set(self.classes.values()))

    def rates(self, dataset: str, regime: Regime) -> list[float]:
        """Return the candidates of a dataset's learning-rate search, scaled with its batch size."""
        factor = self._training_of[dataset].batch_size / self.study.training.batch_size
        return [float(f"{rate * factor:.6g}") for rate in self.study.tuning.learning_rates[regime]]

    def source(self, dataset: str) -> SourceSpec:
        """Return the spec of download and manifest."""
        return source_of(self.study, dataset)

    def split(self, dataset: str) -> SplitSpec:
        """Return the split's spec of a dataset."""
        return split_of(self.study, dataset, self.classes[dataset])

    def pixels(self, dataset: str, side: int) -> PixelsSpec:
        """Return the spec of a pixel store of squares."""
        background = self.study.data.background
        return PixelsSpec(recipe=RECIPE["pixels"], dataset=dataset, side=side, background=background)

    def ragged(self, dataset: str, start: Transform) -> PixelsSpec:
        """Return the spec of a pixel store of images in their own aspect."""
        background = self.study.data.background
        return PixelsSpec(recipe=RECIPE["pixels"], dataset=dataset, background=background, transform=str(start))

    def start(self, size: int, crops: str) -> Transform:
        """Return the transform that makes the images of which crops of ``size`` are cut."""
        bound: dict[str, Any] = {"shorter_side": self._bound(crops), "reduced": self.study.data.reduced_decoding}
        return geometry_of(size, self._side(size, crops), crops, **bound).start

    def weights(self, backbone: str) -> WeightsSpec:
        """Return the spec of a weights file."""
        entry = self.study.backbone_entries[backbone]
        return WeightsSpec(
            recipe=RECIPE["weights"],
            backbone=backbone,
            timm=entry.timm,
            weights=entry.weights,
            archives=self.study.archives,
        )

    def search(self, search: Search, rates: list[float]) -> SearchSpec:
        """Return the spec of candidates of a search: of one, or of all of a frozen backbone, which share a pass."""
        tuning = self.study.tuning
        run = Run(*search[:4], tuning.seed, search.crops)
        spec = self._run(run, "train", None, tuning.epochs or self.study.training.epochs)
        return SearchSpec(run=spec, learning_rates=rates)

    def choice(self, search: Search) -> ChoiceSpec:
        """Return the spec of the choice among the candidates."""
        return ChoiceSpec(**search._asdict(), min_train_top1=self.study.tuning.min_train_top1)

    def run(self, run: Run) -> RunSpec:
        """Return the spec of a final training."""
        grid = self.rates(run.dataset, run.regime)
        return self._run(run, "train_val", grid[0] if len(grid) == 1 else None, self.study.training.epochs)

    def adopted(self, run: Run) -> AdoptSpec:
        """Return the spec of a run of which nothing is trained."""
        return AdoptSpec(
            recipe=RECIPE["adopt"],
            classes=self.classes[run.dataset],
            model=self._models_of[run.dataset][run.backbone],
            **{name: value for name, value in run._asdict().items() if name != "backbone"},
        )

    def evaluation(self, run: Run, test_size: int, adaptation: str = UNADAPTED) -> EvaluationSpec:
        """Return the spec of the evaluations of a run at one size, by any settings of its regime."""
        return EvaluationSpec(
            recipe=RECIPE["evaluate"],
            dataset=run.dataset,
            classes=self.classes[run.dataset],
            model=self._models_of[run.dataset][run.backbone],
            regime=run.regime,
            train_size=run.train_size,
            test_size=test_size,
            side=self._side(test_size, run.crops),
            adaptation=adaptation,
            seed=run.seed,
            pixels=self.study.data.pixels,
            background=self.study.data.background,
            precision=self.study.training.precision,
            cal=self._cal(run.regime),
            crops=run.crops,
            shorter_side=self._bound(run.crops),
            reduced=self.study.data.reduced_decoding,
        )

    def adaptation(self, job: Adapted) -> AdaptationSpec:
        """Return the spec of the adaptation of a run to a test size."""
        return AdaptationSpec(
            recipe=RECIPE["adapt"],
            dataset=job.dataset,
            classes=self.classes[job.dataset],
            model=self._models_of[job.dataset][job.backbone],
            regime=job.regime,
            train_size=job.train_size,
            test_size=job.test_size,
            side=self._side(job.test_size, job.crops),
            seed=job.seed,
            pixels=self.study.data.pixels,
            pixels_recipe=RECIPE["pixels"],
            background=self.study.data.background,
            precision=self.study.training.precision,
            cal=self._cal(job.regime),
            name=job.adaptation,
            adaptation=self.study.adaptation_entries[job.adaptation],
            crops=job.crops,
            shorter_side=self._bound(job.crops),
            reduced=self.study.data.reduced_decoding,
        )

    def macs(self, backbone: str, setting: Setting, test_size: int) -> MacsSpec:
        """Return the spec of MACs, for all class counts of the study."""
        return MacsSpec(
            recipe=RECIPE["macs"],
            model=self._models[backbone],
            setting=setting,
            test_size=test_size,
            cal=self._cal(REGIME_OF[setting]),
        )

    def timing(self, point: CostPoint) -> TimingSpec:
        """Return the spec of a timing."""
        return TimingSpec(
            recipe=RECIPE["timing"],
            model=self._models[point.backbone],
            setting=point.setting,
            test_size=point.test_size,
            classes=point.classes,
            cal=self._cal(REGIME_OF[point.setting]),
            # What the other scope reads must not measure this one again.
            timing=self.study.timing.model_copy(update={"scope": "network", "passes": TimingOptions().passes}),
        )

    def end_to_end(self, stream: EndToEnd) -> EndToEndSpec:
        """Return the spec of a timing from image files to the loss."""
        options = self.study.timing
        return EndToEndSpec(
            recipe=RECIPE["end_to_end"],
            dataset=stream.dataset,
            classes=self.classes[stream.dataset],
            model=self._models_of[stream.dataset][stream.backbone],
            setting=stream.setting,
            test_size=stream.test_size,
            side=self._side(stream.test_size, stream.crops),
            crops=stream.crops,
            shorter_side=self._bound(stream.crops),
            reduced=self.study.data.reduced_decoding,
            background=self.study.data.background,
            cal=self._cal(REGIME_OF[stream.setting]),
            batch_size=options.batch_size,
            warmup=options.warmup,
            passes=options.passes,
            tolerance=options.tolerance,
            precision=options.precision,
        )

    def summary(self) -> SummarySpec:
        """Return the spec of the summary of the whole study."""
        return summary_of(self.study, self.classes)

    def cell(self, cell: Cell) -> SummarySpec:
        """Return the spec of one row of the summary: a study of that cell alone."""
        return cell_of(self.study, self.classes, cell)

    def cost_point(self, cell: Cell) -> CostPoint:
        """Return the cost point of a cell."""
        return CostPoint.of(cell.backbone, cell.setting, cell.test_size, self.classes[cell.dataset])

    def _run(self, run: Run, part: Literal["train", "train_val"], rate: float | None, epochs: int) -> RunSpec:
        return RunSpec(
            recipe=RECIPE["train"],
            dataset=run.dataset,
            classes=self.classes[run.dataset],
            model=self._models_of[run.dataset][run.backbone],
            regime=run.regime,
            train_size=run.train_size,
            side=self._side(run.train_size, run.crops),
            crops=run.crops,
            shorter_side=self._bound(run.crops),
            reduced=self.study.data.reduced_decoding,
            seed=run.seed,
            part=part,
            learning_rate=rate,
            pixels=self.study.data.pixels,
            pixels_recipe=RECIPE["pixels"],
            background=self.study.data.background,
            training=self._training(run.dataset, run.regime, epochs),
        )

    def _training_by(self, dataset: str, regime: Regime, epochs: int) -> TrainingOptions:
        """Return the options of a training, but those that its method does not read, which must not retrain it."""
        training = self._training_of[dataset].model_copy(update={"epochs": epochs})
        method, defaults = METHODS[regime], TrainingOptions()
        unread = {name: getattr(defaults, name) for name in METHOD_OPTIONS - method.options}
        training = training.model_copy(update=unread)
        if not method.trains_backbone and training.frozen_batch_norm == "eval":
            # A backbone in evaluation mode drops nothing.
            training = training.model_copy(update={"drop_path": 0.0, "dropout": 0.0})
        return training

    def _side(self, size: int, crops: str) -> int:
        return resized_side(size, self.study.data.resize_rule, crops)

    def _bound(self, crops: str) -> int | None:
        return self.study.data.shorter_side if keeps_aspect(crops) else None

    def _batched(self, dataset: str) -> TrainingOptions:
        options = self.study.training
        size = options.batch_size_of.get(dataset, options.batch_size)
        return options.model_copy(update={"batch_size": size, "batch_size_of": {}})

    def _normalised(self, model: ModelSpec, entry: Dataset) -> ModelSpec:
        if self.study.data.normalisation == "model" or entry.mean is None:
            return model
        return model.model_copy(update={"mean": entry.mean, "std": entry.std})

    def _cal(self, regime: Regime) -> CalOptions | None:
        return cal_of(regime, self.study.training.cal)
