"""Named tables in the data folder, in the files in which they were published."""

import dataclasses
from pathlib import Path

import pyarrow
import pyarrow.compute as compute

from recipes.data.source import Source
from recipes.data.tables.csv_file import open_csv
from recipes.data.tables.matrix import read_tables
from recipes.data.tables.table import Table
from recipes.settings import Data

FILES = {"adult": ("adult.data", "adult.test"), "housing": ("housing.csv",)}
NAMES = tuple(FILES)
TARGETS = {"adult": "income", "housing": "median_house_value"}
_ADULT_COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip


def read(name: str, folder: Path | None, settings: Data) -> Source:
    """The dataset called `name`, one of `NAMES`.

    housing: median house values of California districts, 1990 (20,640 rows, regression). adult: whether an American
    earned more than 50,000 dollars, 1994 (48,842 rows, of which the 16,281 of `adult.test` are the test part).

    Args:
        name: One of `NAMES`.
        folder: Data folder: the files lie in `folder/tabular`, `folder/NAME` or `folder`; or `None`.
        settings: Settings of the data. Default of the target: the one of `TARGETS`.

    Raises:
        FileNotFoundError: If the files are not in the data folder, saying where they may be put.
        ValueError: If they are damaged.
    """
    files = [_find(file, name, folder) for file in FILES[name]]
    settings = settings if settings.target else dataclasses.replace(settings, target=TARGETS[name])
    if name == "housing":
        return read_tables({"all": open_csv(files[0])}, settings, name)
    parts = {part: _adult(file) for part, file in zip(("all", "test"), files, strict=True)}
    return read_tables(parts, settings, name)


def _find(file: str, name: str, folder: Path | None) -> Path:
    places = [folder / "tabular" / file, folder / name / file, folder / file] if folder else []
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"{file} of the dataset {name!r} is not here: put {' and '.join(FILES[name])} into DIR/{name} and name DIR by "
        "--data-dir or the environment variable KERAS_RECIPES_DATA"
    )


def _adult(file: Path) -> Table:
    """The table of one file, without the remark in the first line of the test file and the full stops of its labels."""
    table = open_csv(file, columns=_ADULT_COLUMNS, skip_rows=int(file.name == "adult.test"))

    def batches():
        for batch in table.batches():
            labels = compute.utf8_rtrim(batch.column(len(_ADULT_COLUMNS) - 1), ".")
            yield pyarrow.RecordBatch.from_arrays([*batch.columns[:-1], labels], names=list(_ADULT_COLUMNS))

    return Table(table.where, table.columns, batches)
