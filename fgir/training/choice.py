"""The choice of a learning rate among the candidates of a search."""

from pathlib import Path

from fgir.errors import FgirError
from fgir.schema import read_rows, write_rows
from fgir.specs import ChoiceSpec


def choose(spec: ChoiceSpec, candidates: list[Path], out: Path) -> None:
    """Choose a learning rate among candidates as published; write all of them, the chosen one marked.

    The lowest loss on val among those with enough accuracy on train; if none has, the most accurate on train.
    """
    rows = [row for path in candidates for row in read_rows("candidate", path)]
    usable = [row for row in rows if row["status"] == "ok"]
    good = [row for row in usable if row["train_top1"] >= spec.min_train_top1]
    if good:
        best = min(good, key=lambda row: (row["val_loss"], row["learning_rate"]))
        reason = f"lowest val loss among those with train accuracy of {spec.min_train_top1:g} % or more"
    elif usable:
        best = max(usable, key=lambda row: (row["train_top1"], -row["learning_rate"]))
        reason = f"highest train accuracy, since none reached {spec.min_train_top1:g} %"
    else:
        best = min(rows, key=lambda row: row["learning_rate"])
        reason = "lowest, since every candidate diverged"
    for row in rows:
        row |= {"chosen": row is best, "reason": reason if row is best else None}
    write_rows("candidate", sorted(rows, key=lambda row: -row["learning_rate"]), out)


def chosen_rate(best: Path) -> float:
    """The learning rate that the search chose; FgirError where the file names none."""
    chosen = [row["learning_rate"] for row in read_rows("candidate", best) if row["chosen"]]
    if len(chosen) != 1:
        raise FgirError(
            f"{best} marks {len(chosen)} learning rates as chosen and should mark one; delete it and rerun."
        )
    return float(chosen[0])
