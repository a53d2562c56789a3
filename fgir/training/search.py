"""Choose a learning rate among the candidates of a search."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fgir.results.parquet import read_rows, write_rows
from fgir.specs import ChoiceSpec
from fgir.study.address import rate
from fgir.utils.errors import FgirError

Row = dict[str, Any]

BEYOND = {"highest": "a higher one may be better", "lowest": "a lower one may be better"}


class Chosen(NamedTuple):
    """Hold a learning rate, and the edge of its candidates at which it is: highest, lowest, or None."""

    learning_rate: float
    edge: str | None


def choose(spec: ChoiceSpec, candidates: list[Path], out: Path) -> None:
    """Choose a learning rate among candidates as published; write all of them, the chosen one marked; print it.

    The lowest loss on val among those with enough accuracy on train; if none has, the most accurate on train.
    """
    rows = [row for path in candidates for row in read_rows("candidate", path)]
    best, reason = _best(rows, spec.min_train_top1)
    edge = edge_of(best["learning_rate"], [row["learning_rate"] for row in rows])
    if edge:
        reason += f"; the {edge} of {len(rows)} candidates: {BEYOND[edge]}"
    for row in rows:
        row |= {"chosen": row is best, "reason": None, "edge": None}
    best |= {"reason": reason, "edge": edge}
    write_rows("candidate", sorted(rows, key=lambda row: -row["learning_rate"]), out)
    identity = f"{spec.dataset} {spec.backbone} {spec.regime} {spec.train_size}"
    print(f"{identity}: learning rate {rate(best['learning_rate'])}, {reason}")


def _best(rows: Sequence[Row], min_train_top1: float) -> tuple[Row, str]:
    usable = [row for row in rows if row["status"] == "ok"]
    good = [row for row in usable if row["train_top1"] >= min_train_top1]
    if good:
        best = min(good, key=lambda row: (row["val_loss"], row["learning_rate"]))
        return best, f"lowest val loss among those with train accuracy of {min_train_top1:g} % or more"
    if usable:
        best = max(usable, key=lambda row: (row["train_top1"], -row["learning_rate"]))
        return best, f"highest train accuracy, since none reached {min_train_top1:g} %"
    return min(rows, key=lambda row: row["learning_rate"]), "lowest, since every candidate diverged"


def edge_of(chosen: float, tried: Sequence[float]) -> str | None:
    """Return the edge of all rates tried, failed ones included, at which ``chosen`` is; None if only one was tried."""
    if min(tried) == max(tried):
        return None
    return {max(tried): "highest", min(tried): "lowest"}.get(chosen)


def chosen_rate(best: Path) -> Chosen:
    """Return the learning rate that the search chose. Raises FgirError if the file names none."""
    chosen = [row for row in read_rows("candidate", best) if row["chosen"]]
    if len(chosen) != 1:
        raise FgirError(
            f"{best} marks {len(chosen)} learning rates as chosen and should mark one; delete it and rerun."
        )
    return Chosen(float(chosen[0]["learning_rate"]), chosen[0]["edge"])
