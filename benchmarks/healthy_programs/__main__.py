"""Held-out score of every healthy program beside the best constant and a linear model: none may end far below.

Run: KERAS_RECIPES_DATA=... PYTHONPATH=benchmarks python -m healthy_programs [NAME ...] [--seeds 0]
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from healthy_programs import PROGRAMS, Program, program


def linear_score(made: Program) -> str:
    """Score of a linear model on standardized columns; empty where there is none, as for words and several targets."""
    x, held = (np.reshape(part, (len(part), -1)) for part in (made.x, made.validation_data[0]))
    y, held_y = (part.argmax(-1) if part.ndim == 2 and (part.sum(-1) == 1).all() else np.squeeze(part)
                 for part in (made.y, made.validation_data[1]))  # fmt: skip
    if made.x.dtype.kind == "i" or y.ndim > 1:
        return ""
    model = LogisticRegression(max_iter=300) if len(np.unique(y)) <= 27 and (y % 1 == 0).all() else RidgeCV()
    if made.model.loss == "poisson":
        model = RidgeCV()
    return f"{make_pipeline(StandardScaler(), model).fit(x, y).score(held, held_y):.4f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(PROGRAMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments = parser.parse_args()
    print("| program | rows | score | constant | linear | required | seconds |\n|---|---|---|---|---|---|---|")
    for name in arguments.names:
        for seed in arguments.seeds:
            made = program(name, seed)
            start = time.perf_counter()
            made.fit()
            seconds = time.perf_counter() - start
            score, constant = made.score()
            required = constant + made.least * (1 - constant)
            cells = [f"{score:.4f}{'' if score >= required else ' (too low)'}", f"{constant:.4f}", linear_score(made)]
            print(f"| {name} | {len(made.x)} | {' | '.join(cells)} | {required:.4f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
