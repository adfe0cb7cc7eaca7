"""What storing a training costs: the same training with `fit.checkpoint` as given and without, one after the other.

Measured is `Training.fit`, in one process, after one of each kind that compiles. Single trainings differ by more than
checkpoints cost, so that the time spent in them is measured as well, as a share of the training.

    python benchmarks/checkpoint_cost.py [--recipe digits] [--epochs 20] [--rounds 7] [--checkpoint auto]
"""

import argparse
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import keras

import recipes
from recipes.runs.checkpoints import Checkpoints
from recipes.training.checkpointing import Checkpointing
from recipes.training.interrupts import Interrupts
from recipes.training.prepared import Training


def fit(recipe: recipes.Recipe, dataset: recipes.Dataset, setting: str | None) -> tuple[float, float, int]:
    """Seconds of a training, the seconds of its checkpoints in them, and the bytes of one checkpoint."""
    training = Training.of(recipe, dataset)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder))
        checkpointing = Checkpointing(checkpoints, setting, {}, Interrupts()) if setting else None
        start = time.perf_counter()
        training.fit(checkpointing=checkpointing)
        seconds = time.perf_counter() - start
        size = max((file.stat().st_size for file in checkpoints.folder.glob("*.npz")), default=0)
    return seconds, checkpointing.spent if setting else 0.0, size


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipe", default="digits")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--checkpoint", default="auto")
    arguments = parser.parse_args()
    recipe = recipes.get(arguments.recipe).replace(fit={"epochs": arguments.epochs, "patience": None})
    dataset = recipes.load_dataset(recipe.data.name, 0, recipe.data)
    ratios, shares = [], []
    for number in range(arguments.rounds + 1):
        settings = (None, arguments.checkpoint) if number % 2 else (arguments.checkpoint, None)
        times = {setting: fit(recipe, dataset, setting) for setting in settings}
        (without, _, _), (with_them, spent, size) = times[None], times[arguments.checkpoint]
        if not number:  # compiles
            continue
        ratios.append(with_them / without)
        shares.append(spent / with_them)
        print(f"round {number}: without {without:.2f} s, with {with_them:.2f} s, of which {spent:.3f} s are theirs")
    ratios.sort()
    print(
        f"{arguments.recipe}, {keras.backend.backend()}, {arguments.epochs} epochs, each {size / 1e6:.1f} MB: "
        f"median ratio {statistics.median(ratios):.3f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), "
        f"share of the time {statistics.median(shares):.2%} (at most {max(shares):.2%})"
    )


if __name__ == "__main__":
    main()
