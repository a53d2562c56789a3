"""Files of the results tree, asked for by name, whose names the study does not have."""

import re
from itertools import product

import pytest

from fgir.study import Study, address
from fgir.utils.errors import FgirError
from fgir.workflow.validate import refused_targets, validate_target


@pytest.fixture
def study() -> Study:
    return Study(name="mine", datasets=["cub", "cars"], backbones=["net"], settings=["cal", "cal_nc"], results="out")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("out/cost/net/cal/224/classes9/macs.parquet", 'no dataset of study "mine" has 9 classes; '),
        ("out/cost/net/cal/224/classes9/timing.parquet", "there is fgir timing --classes 9."),
        ("out/cost/net/cal/224/cup/end_to_end.parquet", 'study "mine" has no dataset "cup"; did you mean "cub"?'),
        ("out/cells/cup/net/cal/224-224.parquet", 'study "mine" has no dataset "cup"; did you mean "cub"?'),
        ("out/runs/cub/nett/cal/224/seed1/train.parquet", 'no backbone "nett"; did you mean "net"?'),
        ("out/cost/net/calnc/224/classes8/macs.parquet", 'no setting "calnc"; did you mean "cal_nc"?'),
        ("out/cost/nett/cal/224/classes8/macs.parquet", 'no backbone "nett"; did you mean "net"?'),
        ("out/tuning/cub/net/frozen/224/best.parquet", 'no regime "frozen"; valid names: cal.'),
    ],
)
def test_a_name_that_the_study_does_not_have_is_met_with_the_nearest(study: Study, file: str, message: str) -> None:
    with pytest.raises(FgirError) as fault:
        validate_target(study, [8], file)

    assert str(fault.value).startswith(f"{file}: ")
    assert message in str(fault.value)


def test_the_cost_of_a_setting_is_found_where_it_is_measured() -> None:
    plain = Study(name="mine", datasets=["cub"], backbones=["net"], settings=["frozen", "calmix"], results="out")

    validate_target(plain, [8], "out/cost/net/finetuned/224/classes8/macs.parquet")
    validate_target(plain, [8], "out/cost/net/cal/224/classes8/timing.parquet")
    validate_target(plain, [8], "out/cost/net/cal/224/cub/end_to_end.parquet")
    with pytest.raises(FgirError, match=r"ask for out/cost/net/cal/224/cub/end_to_end.parquet, which is of both"):
        validate_target(plain, [8], "out/cost/net/calmix/224/cub/end_to_end.parquet")
    with pytest.raises(FgirError, match=r"ask for out/cost/net/cal/224/classes8/timing.parquet, which is of both"):
        validate_target(plain, [8], "out/cost/net/calmix/224/classes8/timing.parquet")


@pytest.mark.parametrize(
    "file",
    ["cells/cub/net/cal/64-96.parquet", "out/other/cells/cub/net/cal/64-96.parquet", "in/weights/net.safetensors"],
)
def test_a_path_of_other_results_is_met_with_where_the_studys_are(study: Study, file: str) -> None:
    with pytest.raises(FgirError, match=f'^{file} is not below out/, where the results of study "mine" are.$'):
        validate_target(study, [8], file)


@pytest.mark.parametrize(
    "file", ["out/cells/cub/net/cal/64-96.parquet", "logs/train/cub-net.log", "out/summary.parquet", "all", "-n"]
)
def test_sizes_of_the_users_own_and_other_words_pass(study: Study, file: str) -> None:
    validate_target(study, [8], file)


@pytest.mark.parametrize("pattern", [*address.COSTS, address.CELL, address.MODEL, address.CANDIDATES, address.PIXELS])
def test_the_rule_of_refused_targets_takes_those_that_are_refused_and_no_others(study: Study, pattern: str) -> None:
    rule = re.compile(refused_targets(study, [8, 10]))
    names = {"dataset": ["cub", "cu"], "backbone": ["net", "n.t"], "regime": ["cal", "frozen"], "classes": [8, 1, 10]}
    names |= {
        "setting": ["cal", "cal_nc", "calmix"],
        "adaptation": ["none", "lora"],
        "crops": ["square", "ragged"],
        "seed": [3],
        "size": [9],
    }
    names |= {"train_size": [224], "test_size": [96]}
    used = [name for name in names if f"{{{name}}}" in pattern]
    files = [address.fill(pattern, **dict(zip(used, each, strict=True))) for each in product(*map(names.get, used))]

    for file in [f"{root}{file}" for file in files for root in ("out/", "", "out/other/", "./out/")]:
        assert bool(rule.fullmatch(file)) == is_refused(study, file), file


def test_a_target_that_spells_out_what_was_published_is_met_with_its_path(study: Study) -> None:
    study = study.model_copy(update={"crops": ["square", "fixres"]})

    with pytest.raises(FgirError, match=r"ask for out/cells/cub/net/cal/64-96\.parquet\."):
        validate_target(study, [8], "out/cells/cub/net/cal/square-64-96-none.parquet")


def test_a_candidate_of_any_spelling_is_left_to_the_rules(study: Study) -> None:
    validate_target(study, [8], "out/tuning/cub/net/cal/224/lrabc.parquet")


@pytest.mark.parametrize(
    "file", ["out/summary.parquet", "all", "out/figures/cub.pdf", "config/published.csv", "out/runs"]
)
def test_the_rule_of_refused_targets_leaves_other_files_alone(study: Study, file: str) -> None:
    assert not re.fullmatch(refused_targets(study, [8, 10]), file)
    assert not is_refused(study, file)


def is_refused(study: Study, file: str) -> bool:
    try:
        validate_target(study, [8, 10], file)
    except FgirError:
        return True
    return False
