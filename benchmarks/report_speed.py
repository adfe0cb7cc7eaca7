"""Classification reports: their speed beside scikit-learn's, and their memory as rows stream by.

Run: python benchmarks/report_speed.py [--rows 10000000] [--score-rows 1000000] [--repeats 5] [--stream 1000000 ...]

Labels: 10 classes, int64, 80 % right. Ours: the whole report with its intervals, as text and as a dict, against
`classification_report` plus `confusion_matrix`. Scores: float32 and float64, 10 classes; scikit-learn computes the same
quantities: both of the above, log loss, Brier, top-2, 3 and 5, and ROC AUC and average precision of each class.
Ours and theirs take turns in one process; medians, and the median of the paired ratios. Memory (on Linux): for each
number of rows of `--stream` a process of its own, which takes them in batches of 100,000 or `--batch`; the growth of
its peak from the first number to the others.
"""

import argparse
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

import recipes

CLASSES = 10


def labels(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, CLASSES, rows)
    return truth, np.where(generator.random(rows) < 0.8, truth, generator.integers(0, CLASSES, rows))


def scores(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, CLASSES, rows)
    powers = np.exp(2 * generator.normal(size=(rows, CLASSES)) + 5 * np.eye(CLASSES)[truth])
    return truth, powers / powers.sum(axis=1, keepdims=True)


def ours(truth: np.ndarray, given: np.ndarray) -> None:
    report = recipes.classification_report(truth, given)
    str(report), report.to_dict()


def streamed(truth: np.ndarray, given: np.ndarray) -> None:
    counts = recipes.ClassificationCounts(CLASSES)
    counts.update(truth, given)
    report = counts.result()
    str(report), report.to_dict()


def of_labels(truth: np.ndarray, guess: np.ndarray) -> None:
    from sklearn import metrics

    metrics.classification_report(truth, guess)
    metrics.confusion_matrix(truth, guess)


def of_scores(truth: np.ndarray, given: np.ndarray) -> None:
    from sklearn import metrics

    of_labels(truth, given.argmax(axis=1))
    metrics.log_loss(truth, given)
    metrics.brier_score_loss(truth, given)
    for k in (2, 3, 5):
        metrics.top_k_accuracy_score(truth, given, k=k)
    for number in range(CLASSES):
        metrics.roc_auc_score(truth == number, given[:, number])
        metrics.average_precision_score(truth == number, given[:, number])


def compare(title: str, rows: int, repeats: int, mine, theirs, data) -> None:
    seconds = np.zeros((repeats, 2))
    mine(*data)
    for number in range(repeats):
        for place in (0, 1) if number % 2 else (1, 0):
            begin = time.perf_counter()
            (mine, theirs)[place](*data)
            seconds[number, place] = time.perf_counter() - begin
    middle, ratios = np.median(seconds, axis=0), np.sort(seconds[:, 1] / seconds[:, 0])
    spread = f"{ratios[0]:.1f} to {ratios[-1]:.1f}"
    print(
        f"| {title} | {rows:,} | {middle[0]:.3f} | {middle[1]:.2f} | {np.median(ratios):.1f} | {spread} |", flush=True
    )


def stream(rows: int, kind: str, batch: int) -> None:
    """Print the peak of this process's memory in MB, and the seconds that counting took."""
    truth, given = (labels if kind == "labels" else scores)(batch)
    counts, seconds = recipes.ClassificationCounts(CLASSES), 0.0
    for number in range(rows // batch):
        # Other rows in each batch, at no cost: what is drawn is turned round.
        part = np.roll(truth, number), np.roll(given, number, axis=0)
        begin = time.perf_counter()
        counts.update(*part)
        seconds += time.perf_counter() - begin
    str(counts.result())
    # Other than `getrusage`, this peak does not begin with that of the process which started this one.
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in status if line.startswith("VmHWM"))
    print(int(peak.split()[1]) / 1024, seconds)


def memory(numbers: list[int], batch: int) -> None:
    print("\n| streamed | rows | peak, MB | growth, MB | seconds of counting |\n|---|---|---|---|---|")
    for kind in ("labels", "scores"):
        first = None
        for rows in numbers:
            command = [sys.executable, __file__, "--one-stream", kind, "--rows", str(rows), "--batch", str(batch)]
            printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            peak, seconds = map(float, printed)
            first = first or peak
            print(f"| {kind} | {rows:,} | {peak:.0f} | {peak - first:.1f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--score-rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--stream", type=int, nargs="*", default=[1_000_000, 100_000_000])
    parser.add_argument("--batch", type=int, default=100_000)
    parser.add_argument("--one-stream", choices=["labels", "scores"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one_stream:
        stream(arguments.rows, arguments.one_stream, arguments.batch)
        sys.exit()
    import sklearn

    warnings.simplefilter("ignore")
    print(f"NumPy {np.__version__}, scikit-learn {sklearn.__version__}\n")
    print("| report on | rows | ours, s | scikit-learn, s | times faster | least to most |\n|---|---|---|---|---|---|")
    repeats, rows = arguments.repeats, arguments.score_rows
    compare("labels", arguments.rows, repeats, ours, of_labels, labels(arguments.rows))
    truth, given = scores(rows)
    for name in ("float32", "float64"):
        data = truth, given.astype(name)
        compare(f"{name} scores", rows, repeats, ours, of_scores, data)
        compare(f"{name} scores, ranked by bins", rows, repeats, streamed, of_scores, data)
    memory(arguments.stream, arguments.batch)
