"""A study with a second test size and an adaptation, from snakemake to the table that people read."""

from typing import Any

from tiny import STUDY, Bench

from fgir.results.parquet import read_row, read_rows

ADAPTATIONS = {"last": {"part": "classifier_bn", "epochs": 2, "batch_size": 6, "learning_rate": 0.05}}
ADAPTED: dict[str, Any] = {
    "settings": ["frozen"],
    "test_sizes": [64, 96],
    "adaptations": ["none", "last"],
    "tuning": {"learning_rates": {"frozen": [0.1]}},
}


def test_study_with_an_adaptation_goes_from_snakemake_to_the_table(empty_study: Bench) -> None:
    empty_study.write(STUDY | ADAPTED, adaptations=ADAPTATIONS)

    done = empty_study.snakemake("all")
    assert done.returncode == 0, done.stdout
    again, shown = empty_study.plan("all"), empty_study.fgir("show", "results/summary.parquet")
    planned = empty_study.fgir("plan", "config/study.yaml")

    results = empty_study.folder / "results"
    rows = {(row["test_size"], row["adaptation"]): row for row in read_rows("summary", results / "summary.parquet")}
    assert rows.keys() == {(64, "none"), (64, "last"), (96, "none"), (96, "last")}
    assert all(row["status"] == "ok" for row in rows.values()), [row["error"] for row in rows.values()]
    assert all((row["adapt_hours"] is None) == (state == "none") for (_, state), row in rows.items())
    # 18 images: 3 batches of 6 in each of 2 epochs.
    assert rows[96, "last"]["adapt_images"] == 36
    row = read_row("adapt", results / "adaptations/letters/net/frozen/64-96-last/seed1/adapt.parquet")
    assert (row["part"], row["epochs"], row["test_size"]) == ("classifier_bn", 2, 96)
    assert again == {}
    assert "last" in shown.stdout
    assert "adapt" in planned.stdout
