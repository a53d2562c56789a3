"""Every job of a study with what it takes, is done or not: the table plan."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fgir.study import METHODS, EndToEnd, Setting, address
from fgir.study.geometry import resized_side
from fgir.workflow.estimate import FIXED, Estimate, Estimates
from fgir.workflow.specs import Specs

Row = dict[str, Any]


class Plan:
    """The jobs of a study. ``rows`` is table plan."""

    def __init__(self, specs: Specs) -> None:
        self.specs, self.study, self.estimates = specs, specs.study, Estimates(specs)
        self.rows = [self._with_defaults(row) for row in self._all()]
        # Another study may have left its tables there.
        if not all(row["done"] for row in self.rows):
            self.rows = [row | {"done": row["done"] and row["rule"] not in ("summary", "figure")} for row in self.rows]

    def _all(self) -> Iterator[Row]:
        yield from self._data()
        yield from self._training()
        yield from self._evaluations()
        yield from self._cost()
        yield {"rule": "summary", "path": address.SUMMARY}
        for dataset in self.study.datasets:
            path = address.fill(address.FIGURE, dataset=dataset, format="png")
            yield {"rule": "figure", "dataset": dataset, "path": path}

    def _data(self) -> Iterator[Row]:
        study = self.study
        sides = sorted({resized_side(size, study.data.resize_rule) for pair in study.sizes() for size in pair})
        for dataset in study.datasets:
            images = sum(self.estimates.images(dataset)[:3])
            reading = self.estimates.reading(dataset)._asdict()
            for rule, pattern in (("download", "SOURCE"), ("manifest", "MANIFEST"), ("split", "SPLIT")):
                path = address.fill(getattr(address, pattern), dataset=dataset)
                yield {"rule": rule, "dataset": dataset, "path": path} | (reading if rule == "manifest" else {})
            for side in sides if study.data.pixels == "store" else []:
                path = address.fill(address.PIXELS, dataset=dataset, size=side)
                yield {"rule": "pixels", "dataset": dataset, "path": path, "disk": images * side * side * 3} | reading
        for backbone in study.backbones:
            random = study.backbone_entries[backbone].weights.source == "none"
            numbers = 0 if random else self.estimates.parameters(backbone, "frozen", 1000)
            path = address.fill(address.WEIGHTS, backbone=backbone)
            yield {"rule": "weights", "backbone": backbone, "path": path, "disk": int(4 * numbers)}

    def _training(self) -> Iterator[Row]:
        study = self.study
        for run in study.runs():
            who = {"dataset": run.dataset, "backbone": run.backbone, "regime": run.regime, "train_size": run.train_size}
            key = (run.dataset, run.backbone, run.regime, run.train_size)
            memory = self.estimates.megabytes(run.dataset, run.backbone, run.regime)
            if run.seed == study.seeds[0]:
                yield from self._search(who, key, memory)
            path = address.fill(address.TRAIN, run)
            numbers = self.estimates.parameters(run.backbone, run.regime, self.specs.classes[run.dataset])
            yield who | {
                "rule": "train",
                "seed": run.seed,
                "path": path,
                "disk": int(4 * numbers),
                "minutes": self.estimates.minutes("train", *key),
                "megabytes": memory,
                **_hours(self.estimates.train(*key)),
            }

    def _evaluations(self) -> Iterator[Row]:
        study = self.study
        tested = [(run, size) for run in study.runs() for size in study.tested_at(run.train_size)]
        for run, test_size in tested:
            settings = study.settings_of(run.regime)
            # The first has the views of all, the last is written last.
            point = (run.dataset, run.backbone, settings[0], test_size)
            yield run._asdict() | {
                "rule": evaluation_rule(settings),
                "setting": settings[0],
                "test_size": test_size,
                "path": address.fill(address.METRICS, run, setting=settings[-1], test_size=test_size),
                # Of each image: its number, its class and five guesses with their probabilities.
                "disk": 60 * self.estimates.images(run.dataset).test * len(settings),
                "minutes": self.estimates.minutes("evaluation", *point),
                "megabytes": self.estimates.megabytes(*point[:3]),
                **_hours(self.estimates.evaluation(*point)),
            }

    def _search(self, who: Row, key: Any, memory: int) -> Iterator[Row]:
        rates = self.specs.rates(key[0], key[2])
        if len(rates) == 1:
            return
        frozen = not METHODS[key[2]].trains_backbone
        job = who | {"seed": self.study.tuning.seed, "megabytes": memory}
        job |= {"minutes": self.estimates.minutes("search", *key), **_hours(self.estimates.search(*key))}
        for rate in rates[:1] if frozen else rates:
            pattern = address.CANDIDATES if frozen else address.CANDIDATE
            tried = None if frozen else rate
            path = address.fill(pattern, **who, learning_rate=rate)
            yield job | {"rule": "tune_frozen" if frozen else "tune", "learning_rate": tried, "path": path}
        yield who | {"rule": "choose", "path": address.fill(address.BEST, **who)}

    def _cost(self) -> Iterator[Row]:
        points = dict.fromkeys(self.specs.cost_point(cell) for cell in self.study.cells())
        # One job counts for all class counts; the last is written last.
        last = self.specs.class_counts()[-1]
        for counted in dict.fromkeys(point._replace(classes=last) for point in points):
            yield counted._asdict() | {"rule": "macs", "path": address.fill(address.MACS, counted), "classes": None}
        for point in points:
            yield point._asdict() | {"rule": "timing", "path": address.fill(address.TIMING, point)}
        if self.study.timing.scope == "end_to_end":
            yield from self._end_to_end()

    def _end_to_end(self) -> Iterator[Row]:
        for stream in dict.fromkeys(map(EndToEnd.of, self.study.cells())):
            path = address.fill(address.END_TO_END, stream)
            minutes = self.estimates.minutes("end_to_end", *stream)
            hours = _hours(self.estimates.end_to_end(*stream))
            yield stream._asdict() | {"rule": "end_to_end", "path": path, "minutes": minutes, **hours}

    def _with_defaults(self, row: Row) -> Row:
        path = f"{self.study.results}/{row['path']}"
        fixed = FIXED[row["rule"]]._asdict() if row["rule"] in FIXED else {}
        return {"gpu_hours": 0.0, "disk": 0, **fixed, **row, "path": path, "done": Path(path).exists()}


def evaluation_rule(settings: Sequence[Setting]) -> str:
    """Return the rule that evaluates a run by these settings of its regime."""
    return "evaluate" if len(settings) == 1 else "evaluate_both"


def _hours(estimate: Estimate) -> Row:
    return {"gpu_hours": estimate.hours, "evidence": estimate.evidence}
