"""Markdown tables of what `benchmarks/tables.py` measured, losses as well as wins."""

import numpy as np
from table_sets import ROWS_OF_TUNED_SETS, TABLES, published

# Standard errors of the mean difference over seeds from which on a win or loss is called clear.
_CLEAR = 2.0


def mean_of(results: list[dict], score: str, **wanted) -> tuple[np.ndarray, list]:
    """The scores of the results with the `wanted` values, in the order of their seeds and folds, and these."""
    chosen = [
        row for row in results if all(row.get(key) == value for key, value in wanted.items()) if score in row["scores"]
    ]
    chosen.sort(key=lambda row: (row["seed"], row["fold"] or 0))
    return np.array([row["scores"][score] for row in chosen]), [(row["seed"], row["fold"]) for row in chosen]


def ranks(values: np.ndarray) -> np.ndarray:
    """Rank of each value, 1 for the greatest; equal ones share the mean of their ranks."""
    better = (values[None, :] > values[:, None]).sum(axis=1)
    equal = (values[None, :] == values[:, None]).sum(axis=1)
    return better + (equal + 1) / 2


def comparison(results: list[dict], recipe: str, methods: list[str]) -> list[str]:
    """Lines of the table of the 20 sets: means over seeds, and how often `recipe` is better."""
    lines = [
        f"| table | score | {recipe} | {' | '.join(methods)} | difference to {methods[0]} | |",
        "|---" * (len(methods) + 5) + "|",
    ]
    place, won, losses = [], {True: 0, False: 0, None: 0}, {True: 0, False: 0, None: 0}
    for name in TABLES:
        score = next(
            (score for score in ("accuracy", "r2") if len(mean_of(results, score, table=name, method=recipe)[0])), None
        )
        if score is None:
            continue
        ours, seeds = mean_of(results, score, table=name, method=recipe)
        others = {method: mean_of(results, score, table=name, method=method) for method in methods}
        if any(found != seeds for _, found in others.values()):
            continue  # not measured in full
        differences = ours - others[methods[0]][0]
        error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else np.inf
        mean = differences.mean()
        verdict = None if mean == 0 else bool(mean > 0)
        won[verdict] += 1
        clear = ", clearly" if abs(mean) > _CLEAR * error else ""
        words = "equal" if verdict is None else ("better" if verdict else "worse") + clear
        place.append(ranks(np.array([ours.mean(), *(found.mean() for found, _ in others.values())])))
        cells = [f"{ours.mean():.4f}", *(f"{found.mean():.4f}" for found, _ in others.values())]
        lines.append(f"| {name} | {score} | {' | '.join(cells)} | {mean:+.4f} | {words} |")
        if score == "accuracy":
            ours, theirs = (
                mean_of(results, "log_loss", table=name, method=method)[0].mean() for method in (recipe, methods[0])
            )
            losses[None if ours == theirs else bool(ours < theirs)] += 1
    if not place:
        return ["nothing is measured in full yet"]
    means = np.mean(place, axis=0)
    named = ", ".join(f"{name} {rank:.2f}" for name, rank in zip((recipe, *methods), means, strict=True))
    return [
        *lines,
        "",
        f"{recipe} against {methods[0]}, by accuracy or R2: better on {won[True]} tables, equal on {won[None]}, worse "
        f"on {won[False]}; by log loss: better on {losses[True]}, worse on {losses[False]}.",
        f"Mean ranks: {named}.",
    ]


def uci(results: list[dict], recipe: str) -> list[str]:
    """Lines of the table of the UCI sets against the published accuracies: mean over folds and seeds."""
    known = published()
    columns = [key for key in next(iter(known.values())) if key != "N"]
    found = {name: mean_of(results, "accuracy", table=name, method=recipe)[0] for name in known}
    measured = {name: accuracies.mean() for name, accuracies in found.items() if len(accuracies)}
    if not measured:
        return ["nothing is measured yet"]
    lines = [f"| set | rows | {recipe} | {' | '.join(columns)} |", "|---" * (len(columns) + 3) + "|"]
    for name, ours in measured.items():
        cells = [f"{value:.4f}" for value in (ours, *(known[name][column] for column in columns))]
        lines.append(f"| {name} | {known[name]['N']:.0f} | {' | '.join(cells)} |")
    small = [name for name in measured if known[name]["N"] < ROWS_OF_TUNED_SETS]
    for names, what in ((list(measured), "all"), (small, f"those of fewer than {ROWS_OF_TUNED_SETS:,} rows")):
        if not names:
            continue
        values = np.array([[measured[name], *(known[name][column] for column in columns)] for name in names])
        rank, mean = np.mean([ranks(row) for row in values], axis=0), values.mean(axis=0)
        cells = [
            f"{name} {one:.2f} ({accuracy:.4f})"
            for name, one, accuracy in zip((recipe, *columns), rank, mean, strict=True)
        ]
        lines += ["", f"Mean rank (mean accuracy) on {what}, {len(names)} sets: {', '.join(cells)}."]
    return lines


def ablation(results: list[dict], whole: str) -> list[str]:
    """Lines of the table of the ablation: what a score loses, on validation rows, where one setting is put back."""
    pieces = list(dict.fromkeys(row["method"] for row in results if row["method"] != whole))
    tables = list(dict.fromkeys(row["table"] for row in results))
    lines = [f"| put back | {' | '.join(tables)} | mean |", "|---" * (len(tables) + 2) + "|"]
    for piece in pieces:
        losses = []
        for table in tables:
            score = "r2" if len(mean_of(results, "r2", table=table, method=whole)[0]) else "accuracy"
            with_it, seeds = mean_of(results, score, table=table, method=whole)
            without, found = mean_of(results, score, table=table, method=piece)
            losses.append((without - with_it).mean() if found == seeds and seeds else np.nan)
        cells = ["" if np.isnan(loss) else f"{loss:+.4f}" for loss in losses]
        mean = np.nanmean(losses) if not np.isnan(losses).all() else np.nan
        lines.append(f"| {piece} | {' | '.join(cells)} | {mean:+.4f} |")
    return lines
