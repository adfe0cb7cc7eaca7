"""What pictures, page and model card of a run cost: the parts of one training, and whole trainings with and without.

Run: python benchmarks/picture_speed.py [--rounds 5] [--recipe digits]

One run is trained into a folder that is removed afterwards. Its parts are then made several times in this process, and
the medians are printed, by the clock and by processor time: the pictures, the page, the model card. The first time of
each is shown too, as a training makes each once. To compare with an older revision: run this file in a checkout of it;
revisions without a page draw pictures alone.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import recipes
from recipes.data.preparation import ImagePreparation
from recipes.runs import pictures
from recipes.runs.stored import Stored

try:
    from recipes.report import model_card, page
except ImportError:  # a revision before there was a page
    page = model_card = None


def parts(stored, images, folder):
    """Functions that make each part, by name."""
    kept = stored.kept_epoch
    source = pictures.PictureSource(stored.history, stored.record, kept, stored.report, stored.predictions, images)
    found = {"pictures": lambda: pictures.draw(folder, source)}
    if page is not None:
        found["page"] = lambda: page.page_of(Stored(stored.directory))
        found["model card"] = lambda: model_card.model_card(Stored(stored.directory))
    return found


def seconds(make):
    clock, processor = time.perf_counter(), time.process_time()
    make()
    return time.perf_counter() - clock, time.process_time() - processor


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipe", default="digits")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = recipes.load_dataset(recipes.get(arguments.recipe).data.name)
        run = recipes.train(arguments.recipe, dataset, output=folder, pictures=False, verbose=False)
        stored = Stored(run.directory)
        images = dataset.test[0] if isinstance(dataset.preparation, ImagePreparation) else None
        whole = [0.0, 0.0]
        for name, make in parts(stored, images, Path(folder)).items():
            first, *others = [seconds(make) for _ in range(1 + arguments.rounds)]
            clock, processor = (statistics.median(column) for column in zip(*others, strict=True))
            whole = [whole[0] + first[0], whole[1] + first[1]]
            print(
                f"{name}: {clock:.2f} s ({processor:.2f} s of processor time); "
                f"the first time {first[0]:.2f} s ({first[1]:.2f} s)"
            )
        print(f"together, the first time: {whole[0]:.2f} s ({whole[1]:.2f} s)")


if __name__ == "__main__":
    main()
