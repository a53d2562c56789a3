"""A cluster's profile in the words of submitit."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from fgir.cluster.site import Site, site_of
from fgir.utils.errors import FgirError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def plain_login_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is exported, and there is no GPU, which Snakemake would ask for."""
    for name in [name for name in os.environ if name.startswith(("SBATCH_", "SLURM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("fgir.cluster.site.has_gpu", lambda: False)


def site(folder: Path, resources: dict[str, Any] | None = None, **profile: Any) -> Site:
    content = {"set-resources": {"train": resources or {}}} | profile
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    return site_of(folder)


def test_the_profile_of_the_suite_says_where_a_training_runs() -> None:
    found = site_of(ROOT / "slurm")

    assert found.options == {
        **{"partition": "gpu", "account": "my_account", "gres": "gpu:1", "cpus-per-task": "4", "requeue": True}
    }
    assert (found.threads, found.gpus, found.nodes, found.tasks) == (4, 1, 1, 1)
    # The warning is submitit's to ask for; the profile says how long before the end.
    assert found.signal_seconds == 180
    assert (found.minutes, found.megabytes, found.jobs) == (None, None, 200)


def test_options_of_sbatch_go_along_and_a_limit_of_the_profile_wins(tmp_path: Path) -> None:
    extra = "--signal=USR1@60 --mail-user='two words' --exclusive"

    found = site(tmp_path, {"slurm_extra": extra, "gpu": 2, "gpu_model": "a100", "runtime": 90, "mem_mb": 500})

    asked = {"mail-user": "two words", "exclusive": True, "gpus": "a100:2", "cpus-per-task": "1"}
    assert found.options == asked
    assert (found.signal_seconds, found.gpus, found.minutes, found.megabytes) == (60, 2, 90, 500)


def test_processes_are_spread_over_the_nodes_and_share_the_cores_of_each(tmp_path: Path) -> None:
    found = site(tmp_path, {"nodes": 2, "gres": "gpu:2", "processes": 4}, **{"set-threads": {"train": 8}})

    asked = found.parameters()
    assert (asked["nodes"], asked["tasks_per_node"], found.options["cpus-per-task"]) == (2, 2, "4")
    assert "--cpus-per-task=4" in asked["slurm_srun_args"]
    assert found.gpus == 4
    with pytest.raises(FgirError, match="3 processes cannot be spread evenly over 2 nodes"):
        site(tmp_path, {"nodes": 2, "processes": 3})


@pytest.mark.parametrize(
    ("asked", "options", "threads"),
    [
        ({"cpus_per_task": 6}, {"cpus-per-task": "6"}, 6),
        ({"cpus_per_task": 6, "cpus_per_gpu": 3, "gres": "gpu:2"}, {"cpus-per-task": "6"}, 6),
        ({"cpus_per_gpu": 3, "gres": "gpu:2"}, {"cpus-per-gpu": "3"}, 6),
        ({"cpus_per_gpu": 3}, {"cpus-per-task": "4"}, 4),  # of no GPU
        ({"cpus_per_task": 0}, {"cpus-per-task": "4"}, 4),
        ({"cpus_per_task": 8, "processes": 2}, {"cpus-per-task": "4"}, 8),
    ],
)
def test_cores_are_what_the_plugin_asks_for(
    tmp_path: Path, asked: dict[str, Any], options: dict[str, str], threads: int
) -> None:
    found = site(tmp_path, asked, **{"set-threads": {"train": 4}})

    assert {name: value for name, value in found.options.items() if name.startswith("cpus")} == options
    assert found.threads == threads


@pytest.mark.parametrize(
    ("asked", "memory"),
    [
        ({"mem_mb": 500}, {"slurm_mem": "500M"}),
        ({"mem": "16GB"}, {"slurm_mem": "16000M"}),
        ({"mem": "1.5 GiB"}, {"slurm_mem": "1611M"}),
        ({"mem": 700}, {"slurm_mem": "700M"}),
        ({"mem_mib": 1000}, {"slurm_mem": "1049M"}),
        ({"mem_mb_per_cpu": 1800, "mem_mb": 500}, {"slurm_mem_per_cpu": "1800M"}),
        ({}, {"slurm_mem": "8000M"}),
    ],
)
def test_memory_is_what_the_plugin_asks_for(tmp_path: Path, asked: dict[str, Any], memory: dict[str, str]) -> None:
    found = site(tmp_path, asked)

    assert found.memory(found.megabytes or 8000) == memory


@pytest.mark.parametrize(
    ("runtime", "minutes"),
    [(90, 90), ("90", 90), ("2h", 120), ("1.5 hours", 90), ("2d", 2880), ("30s", 1), ("45m", 45)],
)
def test_a_time_limit_is_read_as_snakemake_reads_it(tmp_path: Path, runtime: int | str, minutes: int) -> None:
    assert site(tmp_path, {"runtime": runtime}).minutes == minutes


def test_what_the_rule_says_itself_is_not_changed_by_defaults(tmp_path: Path) -> None:
    defaults = {"mem_mb": "max(2*input.size_mb, 1000)", "runtime": 5, "processes": 3, "qos": "long"}

    found = site(tmp_path, **{"default-resources": defaults})

    assert (found.megabytes, found.minutes, found.tasks, found.options["qos"]) == (None, None, 1, "long")


def test_texts_in_quotes_and_lists_of_accounts_are_read_as_the_plugin_reads_them(tmp_path: Path) -> None:
    found = site(tmp_path, {"slurm_extra": "'--nice=150 --mail-type=ALL'", "slurm_account": "one, two", "qos": "'a'"})

    assert found.options == {"nice": "150", "mail-type": "ALL", "account": "one", "qos": "a", "cpus-per-task": "1"}


def test_options_of_the_whole_profile_win_over_the_rules_and_exported_ones_fill_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_ACCOUNT", "exported")
    monkeypatch.setenv("SBATCH_PARTITION", "exported")

    found = site(
        tmp_path, {"qos": "rule", "slurm_partition": "gpu"}, **{"slurm-qos": "all", "slurm-reservation": "day"}
    )

    assert found.options == {
        **{"account": "exported", "partition": "gpu", "qos": "all", "reservation": "day", "cpus-per-task": "1"}
    }


@pytest.mark.parametrize("key", ["cluster", "clusters", "slurm_cluster"])
def test_a_cluster_is_named_by_any_key_of_the_plugin(tmp_path: Path, key: str) -> None:
    assert site(tmp_path, {key: "far"}).clusters == "far"


def test_clusters_without_accounts_are_asked_for_none(tmp_path: Path) -> None:
    found = site(tmp_path, **{"default-resources": {"slurm_account": "mine"}, "slurm-no-account": True})

    assert "account" not in found.options


@pytest.mark.parametrize(
    ("gres", "gpus"), [("gpu:1", 1), ("gpu", 1), ("gpu:a100:4", 4), ("shard:2", 0), ("gpu:h100", 1)]
)
def test_gpus_are_counted(tmp_path: Path, gres: str, gpus: int) -> None:
    assert site(tmp_path, {"gres": gres}).gpus == gpus


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"slurm_extra": "-C volta"}, "slurm_extra has '-C'"),
        ({"slurm_extra": "--signal=USR1@60 --constraint=volta"}, "slurm_extra has --constraint.* as constraint"),
        ({"slurm_extra": "--output=x"}, "slurm_extra has --output, which is set already"),
        ({"runtime": "2 fortnights"}, "runtime is '2 fortnights'"),
        ({"runtime": "attempt * 60"}, "runtime is"),
        ({"mem": "much"}, "mem is 'much'"),
        ({"mem": "8GB", "mem_mb": 500}, "mem and mem_mb say the same"),
        ({"mem_mb": "attempt * 500"}, "mem_mb is"),
        ({"cpus_per_task": "four"}, "cpus_per_task is 'four'"),
        ({"nodes": 0}, "nodes is 0; .* whole number from 1"),
        ({"cpus_per_taks": 4}, 'has the key "cpus_per_taks".* did you mean "cpus_per_task"'),
        ({"partition": "gpu"}, 'has the key "partition".* did you mean "slurm_partition"'),
        ({"threads": 4}, 'has the key "threads".* set-threads'),
        ({"reservation": "day"}, 'has the key "reservation".* slurm-reservation'),
        ({"tasks": 2}, "has tasks: 2; .* processes"),
        ({"mpi": "srun"}, "has mpi: srun"),
        ({"slurm_extra": "--mail-user='a b"}, "a quotation mark is not closed"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FgirError, match=sentence):
        site(tmp_path, wrong)


def test_the_file_of_this_snakemake_comes_before_that_of_all(tmp_path: Path) -> None:
    site(tmp_path, {"runtime": 22})
    for version, minutes in (("8", 88), ("9", 99), ("99", 1)):
        content = {"set-resources": {"train": {"runtime": minutes}}}
        (tmp_path / f"config.v{version}+.yaml").write_text(yaml.safe_dump(content))

    assert site_of(tmp_path).minutes == 99


def test_an_unknown_key_of_the_defaults_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r'default-resources has the key "slurm_acount".* did you mean "slurm_account"'):
        site(tmp_path, **{"default-resources": {"slurm_acount": "mine"}})


def test_a_profile_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match="--profile"):
        site_of(tmp_path)
