"""Columns of a table as people know them: which take part, and their values as text."""

import numpy as np

from recipes.data.precision import restore
from recipes.data.preparation import TablePreparation

OTHER, MISSING = "(rare or unseen)", "(missing)"


def used_columns(preparation: TablePreparation) -> list[int]:
    """Numbers of the raw columns that the model depends on."""
    return [
        column for column, name in enumerate(preparation.feature_names)
        if preparation.scale[column] or preparation.vocabularies.get(name) or name in preparation.indicators
    ]  # fmt: skip


def category_text(categories: tuple[str, ...], code: int) -> str:
    """The category with a code, counted from 1."""
    return OTHER if code == 0 else categories[code - 1] or MISSING


def value_text(preparation: TablePreparation, column: int, value: float) -> str:
    """A raw value of a column as text: the category, the date, or the number."""
    name = preparation.feature_names[column]
    if name in preparation.vocabularies:
        return category_text(preparation.vocabularies[name], int(value))
    if np.isnan(value):
        return MISSING
    number = float(restore(value, preparation.rescaled.get(name, (0.0, 1.0))))
    return _date_text(number) if name in preparation.dates else number_text(number)


def number_text(number: float) -> str:
    """Whole numbers with all digits, others with six.

    >>> number_text(1234567.0), number_text(0.1 + 0.2)
    ('1234567', '0.3')
    """
    return str(int(number)) if number == np.floor(number) and abs(number) < 1e15 else f"{number:.6g}"


def _date_text(days: float) -> str:
    """A number of days since 1970 as a date, with the time of day where there is one.

    A day of float32 near 20,000 is exact to a few minutes alone.
    """
    if not -700_000 < days < 2_900_000:  # beyond the years 1 to 9999
        return number_text(days)
    if days == np.floor(days):
        return str(np.datetime64(int(days), "D"))
    return str(np.datetime64(round(days * 1440), "m")).replace("T", " ")
