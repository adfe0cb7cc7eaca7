"""Valid inputs of each kind, small, from which the fuzzed ones are made."""

import functools
import gzip
import io
import json
import zipfile
from dataclasses import asdict

import numpy as np
import yaml
from runs_by_hand import analysis_of_table

import recipes
from callbacks.watching.record import Record
from recipes import catalogue
from recipes.data import Fingerprint
from recipes.models.saved import find
from recipes.settings import Data, Recipe

EXTRA_RECIPES = (
    "fit: &b {epochs: 3}\noptimizer: &c {learning_rate: 1e-3}\nschedule: {<<: [], name: constant}\n",
    "name: a\nmodel:\n  widths: 256 / 2 x 4\nregularization: {dropout: 0.2}\n",
    'data:\n  name: rows.csv\n  target: |\n    y\n  missing: ["-", "?"]\nfit:\n  class_weight: {a: 1, b: 2.5}\n',
    "schedule: {name: one_cycle}\noptimizer: {name: adam, learning_rate: 1e-3}\n",
)


@functools.cache
def recipe_texts() -> list[bytes]:
    """Recipes of the catalogue without what is as by default, so that they are short, and some of other forms."""
    default, texts = asdict(Recipe(name="default")), [text.encode() for text in EXTRA_RECIPES]
    for name in catalogue.names():
        found = asdict(catalogue.get(name))
        changed = {
            part: {key: value for key, value in values.items() if value != default[part][key]}
            for part, values in found.items()
            if part != "name"
        }
        texts.append(yaml.safe_dump(json.loads(json.dumps({"name": name, **changed})), sort_keys=False).encode())
    return texts


@functools.cache
def tables() -> list[tuple[str, bytes, Data]]:
    """Text files of tables, with their names and how they are read."""
    random = np.random.default_rng(0)
    numbers = [f"{a:.3f},{b:.0f},{'ab'[n % 2]}" for n, (a, b) in enumerate(random.normal(0, 100, (24, 2)))]
    comma = "\n".join(["width,height,kind", *numbers]) + "\n"
    days = "\n".join(
        ["day;city;who;price", *(f'{n + 1:02}.03.2024;"Ber;lin{n % 3}";p{n % 5};1.234,5{n}' for n in range(24))]
    )
    spaced = "\n".join(f"{n} {n * 0.5}   {'yes' if n % 3 else 'no'}" for n in range(24))
    quoted = 'a,"b\n""b""",c\n' + "\n".join(f'{n},"x, {n % 4}\ny",{n % 2}' for n in range(24))
    return [
        ("rows.csv", comma.encode(), Data(target="kind")),
        ("rows.csv", comma.encode(), Data(target="width", header=True, ignore=("kind",))),
        ("rows.csv", days.encode("latin-1"), Data(target="price", time_column="day", dates="day_first")),
        ("rows.csv", days.encode(), Data(target="price", group_column="who", decimal=",", thousands=".")),
        ("rows.data", spaced.encode(), Data(target="column_2", header=False)),
        ("rows.csv", quoted.encode(), Data(target="c", task="classification")),
        ("rows.tsv", ("# made today\n" + comma.replace(",", "\t")).encode("utf-16"), Data(target="kind")),
        ("rows.csv.gz", gzip.compress(comma.encode()), Data(target="kind")),
    ]


def _npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


@functools.cache
def arrays() -> list[tuple[bytes, Data]]:
    """NPZ files of rows, and how they are read."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(24, 3)).astype("f4"), np.arange(24) % 3
    images = random.integers(0, 256, (24, 4, 4, 3), dtype=np.uint8)
    parts = {f"{kind}_{part}": {"x": x, "y": y}[kind] for kind in "xy" for part in ("train", "validation", "test")}
    steps = random.normal(size=(24, 5, 2))
    return [
        (_npz(x=x, y=y), Data()),
        (_npz(x=x, y=np.array(["a", "b", "c"])[y]), Data()),
        (_npz(x=x, y=x[:, 0]), Data(task="regression")),
        (_npz(**parts), Data()),
        (_npz(x=images, y=y), Data(image_size=(2, 2))),
        (_npz(x=steps, y=y, lengths=1 + y), Data()),
        (_npz(x=x, y=np.eye(3)[y]), Data()),
    ]


@functools.cache
def run_folders() -> list[dict[str, bytes]]:
    """Files of run folders by name: of two classes, of several labels and of a regression."""
    random = np.random.default_rng(0)
    labels, scores = np.arange(12) % 2, random.random((12, 2))
    scores /= scores.sum(axis=1, keepdims=True)
    many, values = (scores > 0.4).astype(int), random.normal(size=12)
    reports = [
        recipes.classification_report(labels, scores, class_names=["a", "b"]),
        recipes.classification_report(many, scores, class_names=["a", "b"], multi_label=True),
        recipes.regression_report(values, values + 0.1),
    ]
    predictions = [
        _npz(label=labels, predicted=scores.argmax(axis=1), probability=scores.max(axis=1)),
        _npz(label=labels, predicted=labels),
        _npz(label=values, predicted=values + 0.1),
    ]
    digests = {part: random.integers(0, 2**63, 12).astype(np.uint64) for part in ("train", "validation", "test")}
    fingerprint = Fingerprint.of(digests, ("x", "y"))
    versions = {
        "seed": 0,
        "kept_epoch": 2,
        "kept_reason": "best",
        "missing": ["pictures"],
        "paths": {"name": ["a", "b"]},
    }
    versions |= {"fingerprint": fingerprint.to_dict(), "keras": "3.15.0"}
    record = Record(
        layers=("one", "two"),
        epochs=np.arange(3),
        update_ratio=random.random((3, 2)),
        steps=np.array([0, 4, 4]),
        activation_histogram=random.random((3, 2, 5)),
        activation_range=random.random((3, 2, 2)),
        trace_step=np.arange(4),
        trace_gradient_norm=random.random((4, 2)),
    )
    others = {
        "recipe.yaml": recipe_texts()[-1],
        "history.csv": b"epoch,loss,val_loss\n1,2.5,2.4\n2,1.5,nan\n",
        "record.npz": _npz(layers=np.array(record.layers), epochs=record.epochs, **record.measured()),
        "rows.npz": _npz(**digests),
        "model.keras": b"PK",
    }
    return [
        {
            **others,
            "report.json": json.dumps({**report.to_dict(), "analysis": analysis_of_table(["x", "y"], report)}).encode(),
            "predictions.npz": predicted,
            "versions.json": json.dumps(versions | {"classes": names}).encode(),
        }
        for report, predicted, names in zip(reports, predictions, (["a", "b"], ["a", "b"], None), strict=True)
    ]


@functools.cache
def model_members() -> dict[str, bytes]:
    """Members of the file of a convolutional network that ships, with all that a recipe puts around it."""
    with zipfile.ZipFile(find("mnist-small") / "model.keras") as archive:
        return {name: archive.read(name) for name in archive.namelist()}
