"""Held-out score of every healthy program beside the best constant: none may end far below what can be had.

Run: KERAS_RECIPES_DATA=... PYTHONPATH=benchmarks python -m healthy_programs [NAME ...] [--seeds 0]
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from healthy_programs import PROGRAMS, program


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(PROGRAMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments = parser.parse_args()
    print("| program | rows | score | constant | required | seconds |\n|---|---|---|---|---|---|")
    for name in arguments.names:
        for seed in arguments.seeds:
            made = program(name, seed)
            start = time.perf_counter()
            made.fit()
            seconds = time.perf_counter() - start
            score, constant = made.score()
            required = constant + made.least * (1 - constant)
            mark = "" if score >= required else " (TOO LOW)"
            print(
                f"| {name} | {len(made.x)} | {score:.4f}{mark} | {constant:.4f} | {required:.4f} | {seconds:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
