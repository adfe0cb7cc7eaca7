"""How long each part of the analysis of a run takes, which `train` makes for its page.

Measured are wall clock and processor time in one process, after a training of one epoch; imports of scikit-learn are
not counted. Parts whose model is compiled for a new number of rows contain that.

    python benchmarks/analysis_speed.py [RECIPE ...]
"""

import argparse
import importlib
import time
import warnings

import keras
import numpy as np

import recipes
from recipes.evaluation.analysis.analysing import PARTS, Evaluated
from recipes.evaluation.blocks import blocks_of_rows
from recipes.evaluation.counting import report_on
from recipes.metrics import decide
from recipes.models.outputs import Outputs
from recipes.training.prepared import Training


def evaluated(name: str) -> Evaluated:
    """A network that was trained for an epoch, evaluated on its test part."""
    recipe = recipes.get(name).replace(fit={"epochs": 1, "patience": None}, fine_tune={"epochs": 0})
    dataset = recipes.load_dataset(recipe.data.name, 0, recipe.data)
    training = Training.of(recipe, dataset)
    training.fit()
    model, (x, labels) = training.serving(), dataset.test
    blocks = list(blocks_of_rows(model, Outputs.of(model), x, labels, 256))
    values = np.concatenate([block.values for block in blocks])
    if dataset.task == "regression":
        predictions = {"label": labels, "predicted": values[:, 0]}
    else:
        predictions = {"label": labels, "predicted": decide(values), "probability": values}
    return Evaluated(model, recipe, dataset, report_on(blocks, dataset.class_names), predictions, batch_size=256)


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="*", default=["digits", "tabular", "housing", "adult", "mnist-mlp"])
    importlib.import_module("sklearn.ensemble")
    importlib.import_module("sklearn.linear_model")
    for name in parser.parse_args().recipes:
        run, rest = evaluated(name), {}
        for part, make in PARTS.items():
            wall, processor = time.perf_counter(), time.process_time()
            make(run)
            rest[part] = time.perf_counter() - wall, time.process_time() - processor
        baselines = rest.pop("baselines")
        total = [sum(times) for times in zip(*rest.values(), strict=True)]
        rows = {part: len(getattr(run.dataset, part)[1]) for part in ("train", "validation", "test")}
        print(f"{name}, {keras.backend.backend()}, {sum(rows.values()):,} rows: {_seconds(total)}")
        print(f"  and simple models: {_seconds(baselines)}")
        print("  " + ", ".join(f"{part} {times[0]:.2f} s" for part, times in rest.items() if times[0] > 0.01))


def _seconds(times) -> str:
    wall, processor = times
    return f"{wall:.2f} s (processor {processor:.2f} s)"


if __name__ == "__main__":
    main()
