"""A cluster's profile in the words of submitit."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fgir.errors import FgirError
from fgir.submission.site import Site, site_of

ROOT = Path(__file__).parents[2]


def site(folder: Path, resources: dict[str, Any] | None = None, **profile: Any) -> Site:
    content = {"set-resources": {"train": resources or {}}} | profile
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    return site_of(folder)


def test_the_profile_of_the_suite_says_where_a_training_runs() -> None:
    found = site_of(ROOT / "slurm")

    assert found.options == {"partition": "gpu", "account": "my_account", "gres": "gpu:1", "requeue": True}
    assert (found.threads, found.gpus, found.nodes, found.tasks) == (4, 1, 1, 1)
    # The warning is submitit's to ask for; the profile says how long before the end.
    assert found.signal_seconds == 180
    assert (found.minutes, found.megabytes, found.jobs) == (None, None, 200)


def test_options_of_sbatch_go_along_and_a_limit_of_the_profile_wins(tmp_path: Path) -> None:
    extra = "--signal=USR1@60 --constraint=volta --comment='two words' --exclusive"

    found = site(tmp_path, {"slurm_extra": extra, "gpu": 2, "gpu_model": "a100", "runtime": 90, "mem_mb": 500})

    assert found.options == {"constraint": "volta", "comment": "two words", "exclusive": True, "gres": "gpu:a100:2"}
    assert (found.signal_seconds, found.gpus, found.minutes, found.megabytes) == (60, 2, 90, 500)


def test_processes_are_spread_over_the_nodes_and_share_the_cores_of_each(tmp_path: Path) -> None:
    found = site(tmp_path, {"nodes": 2, "gres": "gpu:2", "processes": 4}, **{"set-threads": {"train": 8}})

    asked = found.parameters()
    assert (asked["nodes"], asked["tasks_per_node"], asked["cpus_per_task"]) == (2, 2, 4)
    with pytest.raises(FgirError, match="3 processes cannot be spread evenly over 2 nodes"):
        site(tmp_path, {"nodes": 2, "processes": 3})


def test_clusters_without_accounts_are_asked_for_none(tmp_path: Path) -> None:
    found = site(tmp_path, **{"default-resources": {"slurm_account": "mine"}, "slurm-no-account": True})

    assert found.options == {}


@pytest.mark.parametrize(
    ("gres", "gpus"), [("gpu:1", 1), ("gpu", 1), ("gpu:a100:4", 4), ("shard:2", 0), ("gpu:h100", 1)]
)
def test_gpus_are_counted(tmp_path: Path, gres: str, gpus: int) -> None:
    assert site(tmp_path, {"gres": gres}).gpus == gpus


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"slurm_extra": "-C volta"}, "slurm_extra has '-C'"),
        ({"runtime": "2h"}, "runtime is '2h'"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(FgirError, match=told):
        site(tmp_path, wrong)


def test_a_profile_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match="--profile"):
        site_of(tmp_path)
