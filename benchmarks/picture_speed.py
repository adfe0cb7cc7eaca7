"""What pictures, page and model card of a run cost, from an older revision to the working tree.

    python benchmarks/picture_speed.py REVISION [--recipe digits] [--rounds 5]

One run is trained by the older code, into a folder that is removed afterwards. Each round makes its pictures, page
and model card once in a fresh process with the code of either revision, one after the other, as a training does at
its end; the order within a round alternates. Printed are the medians of processor time (and by the clock), and the
medians of the ratios.
"""

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from two_revisions import ROOT, checked_out, output_of

PROGRAM = """
import json, sys, tempfile, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import keras, recipes
from recipes.data.preparation import ImagePreparation
from recipes.metrics import classification_report, regression_report
from recipes.report import model_card, page
from recipes.runs import pictures
from recipes.runs.stored import Stored

stored = Stored(sys.argv[1])
predictions = stored.predictions
if stored.class_names is None:
    report = regression_report(predictions["label"], predictions["predicted"])
else:
    report = classification_report(predictions["label"], predictions["probability"], class_names=stored.class_names)
dataset = recipes.load_dataset(stored.recipe.data.name, stored.seed, stored.recipe.data)
images = dataset.test[0] if isinstance(dataset.preparation, ImagePreparation) else None
source = pictures.PictureSource(stored.history, stored.record, stored.kept_epoch, report, predictions, images)
found, written = {}, Stored(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    for name, make in (
        ("pictures", lambda: pictures.draw(Path(folder), source)),
        ("page", lambda: page.page_of(written)),
        ("model card", lambda: model_card.model_card(written)),
    ):
        clock, processor = time.perf_counter(), time.process_time()
        make()
        found[name] = time.process_time() - processor, time.perf_counter() - clock
print(json.dumps(found))
"""
TRAINING = """
import sys, warnings
warnings.simplefilter("ignore")
import recipes
print(recipes.train(sys.argv[1], output=sys.argv[2], verbose=False).directory)
"""


def seconds(code: Path, directory: Path) -> dict[str, tuple[float, float]]:
    """Seconds of processor time and by the clock of each part, and of all, with the package in the folder `code`."""
    found = json.loads(output_of(PROGRAM, code, str(directory)).splitlines()[-1])
    return {**found, "together": tuple(map(sum, zip(*found.values(), strict=True)))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", help="git revision to compare the working tree with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipe", default="digits")
    arguments = parser.parse_args()
    rounds = []
    with tempfile.TemporaryDirectory() as folder, checked_out(arguments.revision) as before:
        # By the older code, which does not know the settings of later recipes.
        directory = Path(output_of(TRAINING, before, arguments.recipe, folder).splitlines()[-1])
        for number in range(arguments.rounds):
            order = (before, ROOT) if number % 2 == 0 else (ROOT, before)
            times = {code: seconds(code, directory) for code in order}
            rounds.append((times[before], times[ROOT]))
            old, new = (times[code]["together"][0] for code in (before, ROOT))
            print(f"round {number}: together before {old:.2f} s, now {new:.2f} s of processor time", flush=True)
    for part in rounds[0][0]:
        sides = [[side[part] for side in column] for column in zip(*rounds, strict=True)]
        before, now = (
            "{:.2f} s ({:.2f} s)".format(*(statistics.median(column) for column in zip(*side, strict=True)))
            for side in sides
        )
        ratio = statistics.median(new[0] / old[0] for old, new in zip(*sides, strict=True))
        print(f"{part}: before {before}, now {now}; ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
