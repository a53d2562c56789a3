"""Which files a job of training or evaluation reads: for the rules, and for runs that are sent without them."""

from fgir.study import Regime, Run, Study, address
from fgir.study.geometry import geometry_of, resized_side, store_name


def image_inputs(study: Study, dataset: str, size: int) -> dict[str, str]:
    """Return the inputs of a job that reads images of ``size`` pixels: the split, and the pixel store or where images
    lie.
    """
    split = _results(study, address.SPLIT, dataset=dataset)
    if study.data.pixels == "store":
        start = geometry_of(size, resized_side(size, study.data.resize_rule)).start
        images = _results(study, address.PIXELS, dataset=dataset, size=store_name(start))
    else:
        images = _results(study, address.SOURCE, dataset=dataset)
    return {"split": split, "images": images}


def training_inputs(study: Study, dataset: str, backbone: str, train_size: int) -> dict[str, str]:
    """Return the inputs of a training, whether a candidate of the search or the final run."""
    images = image_inputs(study, dataset, train_size)
    return images | {"weights": _results(study, address.WEIGHTS, backbone=backbone)}


def searched_best(study: Study, dataset: str, backbone: str, regime: Regime, train_size: int) -> str | None:
    """Return the choice of a run's learning rate; None where the regime has one candidate, which needs no search."""
    if len(study.tuning.learning_rates[regime]) == 1:
        return None
    return _results(study, address.BEST, dataset=dataset, backbone=backbone, regime=regime, train_size=train_size)


def evaluation_inputs(study: Study, run: Run, test_size: int) -> dict[str, str]:
    """Return the inputs of an evaluation: the run's weights and the images."""
    return image_inputs(study, run.dataset, test_size) | {"model": _results(study, address.MODEL, **run._asdict())}


def _results(study: Study, pattern: str, **names: object) -> str:
    return f"{study.results}/{address.fill(pattern, **names)}"
