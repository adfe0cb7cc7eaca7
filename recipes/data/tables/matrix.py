"""Tables as matrices of float32: columns of numbers, codes of categories and days."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow

from recipes.arguments.names import shorten
from recipes.data import row_digests
from recipes.data.precision import rescale
from recipes.data.source import Source
from recipes.data.store import RowStore
from recipes.data.tables import column_values, formats, schema
from recipes.data.tables.column_values import Vocabulary
from recipes.data.tables.formats import Format
from recipes.data.tables.schema import Schema, detect_schema
from recipes.data.tables.table import Table
from recipes.settings import Data

# Kinds of targets that may be classes: their labels are read as text, too.
_LABELLED = ("category", "whole", "wide")


def read_tables(tables: dict[str, Table], settings: Data, name: str) -> Source:
    """Features and target of a table.

    Args:
        tables: Table of each part: `"all"`, to be split, or `"train"`, with `"validation"` and `"test"` where they are
            given. The schema of the first is that of all.
        settings: Settings of the data, which name the target and the columns to ignore.
        name: Name of the data.

    Raises:
        ValueError: If a named column is not there, the parts differ in their columns, or the values of a column are
            mixed.
    """
    first = next(iter(tables.values()))
    roles = schema.roles(first, settings)
    features = tuple(column for column in first.columns if column not in {*roles.values(), *settings.ignore})
    if not features:
        raise ValueError(f"{first.where} has no column besides the target to learn from")
    found = detect_schema(first, features, roles, settings)
    kinds, left_out = found.kinds, found.left_out
    target = roles.pop("target")
    used = tuple(column for column in features if column not in left_out)
    vocabularies = {column: Vocabulary() for column in used if kinds[column] == "category"}
    classes = Vocabulary() if kinds[target] in _LABELLED else None
    parts, labels, digests, extra = {}, {}, {}, {}
    for part, table in tables.items():
        if table is not first:
            check_columns(table, (*used, target), may_have=first.columns)
            schema.require(table, found, (*used, target))
            vocabularies = {column: Vocabulary(known.categories, grows=False) for column, known in vocabularies.items()}
            classes = classes and Vocabulary(classes.categories, grows=False)
        needed = {role: (column, kinds[column], None) for role, column in (roles if table is first else {}).items()}
        needed["target"] = target, kinds[target], classes
        if kinds[target] in ("whole", "wide"):
            needed["labels"] = target, "category", classes
        x, others = _encode(table, found, features, vocabularies, needed, digested=(*used, target))
        parts[part], digests[part] = (x, others.pop("target")), others.pop("digests")
        labels[part] = others.pop("labels", parts[part][1])
        extra = extra or others
    source = Source(
        name,
        parts,
        target=target,
        feature_names=features,
        vocabularies={column: vocabularies[column].categories for column in features if column in vocabularies},
        dates=tuple(column for column in used if kinds[column] == "date"),
        rescaled=found.rescaled,
        groups=extra.get("group_column"),
        times=extra.get("time_column"),
        notes=(*(note for table in tables.values() for note in table.notes), *found.notes),
        left_out=left_out
        | {
            column: f"more than {column_values.MOST_CATEGORIES:,} different texts"
            for column in used
            if column in vocabularies and vocabularies[column].overflowed
        },
        formats={column: form.to_dict() for column, form in found.formats.items()},
        row_digests=digests,
        digest_columns=(*used, target),
    )
    if classes is not None and len(classes.categories) < column_values.MOST_CATEGORIES:
        source.labels, source.label_names = labels, classes.categories
    if kinds[target] == "category":
        if not source.labels:
            raise ValueError(
                f"the target {target!r} of {first.where} looks like an identifier: it has "
                f"{column_values.MOST_CATEGORIES:,} different texts or more. Choose another"
            )
        name_classes(source, tuple(sorted(source.label_names)))
    return source


@dataclass(frozen=True)
class ModelColumns:
    """The raw columns of a trained model.

    Attributes:
        names: Names of the columns, in the model's order.
        vocabularies: Categories, by column that holds some.
        dates: Names of the columns that hold dates.
        unused: Names of the columns that the model ignores, and that may be absent.
        formats: Formats of numbers and dates as `Format.to_dict` returns them, by column, unless plain.
        rescaled: Offset and unit, by column, of those that float32 would merge.
    """

    names: Sequence[str]
    vocabularies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dates: Collection[str] = ()
    unused: Collection[str] = ()
    formats: Mapping[str, dict] = field(default_factory=dict)
    rescaled: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def encode_rows(
    table: Table,
    columns: ModelColumns,
    settings: Data | None = None,
    *,
    target: str | None = None,
    known=(),
    numeric_target: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows of `table` as a trained model takes them; the columns of the table may have any order.

    Args:
        table: Rows to predict or to evaluate on.
        columns: Raw columns of the model.
        settings: Settings of the data, of which `missing` and `kept_classes` are used. Default: `Data()`.
        target: Name of the column that is returned as `y`, or `None`.
        known: Names of columns that the model does not have, and that cause no warning.
        numeric_target: Whether the target holds numbers to predict, rather than classes.

    Returns:
        `x` `(rows, columns)`, float32, and `y` `(rows,)`, numbers or texts, or `None`. Whole numbers that are classes
        are texts where they are not in canonical form, such as 00501, or beyond int64.

    Raises:
        ValueError: If columns are missing, or hold text where numbers are needed.
    """
    settings, vocabularies = settings or Data(), columns.vocabularies
    used = tuple(column for column in columns.names if column not in columns.unused)
    check_columns(table, (*used, *([target] if target else [])), may_have=(*columns.unused, *known))
    kinds = {column: "date" if column in columns.dates else "number" for column in used}
    kinds |= {column: "category" for column in used if column in vocabularies}
    missing = schema.missing_texts(table, settings.missing, target, settings.kept_classes)
    forms = {column: Format(**form) for column, form in columns.formats.items() if column in (*used, target)}
    expected = Schema(kinds, missing, forms, dict(columns.rescaled))
    scans = schema.require(table, expected, used, unchecked=[target] if target else [])
    categories = {column: Vocabulary(vocabularies[column], grows=False) for column in used if column in vocabularies}
    roles = {}
    if target:
        schema.refuse_missing_targets(scans[target], table)
        kind, classes = schema.target_kind(scans[target], table.where, ()), Vocabulary()
        if numeric_target and kind != "category":
            kind = "number"
        roles = {"target": (target, "number" if kind == "number" else "category", classes)}
    x, others = _encode(table, expected, columns.names, categories, roles)
    y = others.get("target")
    if target and kind != "number":
        y = _texts_or_whole(classes, kind)[y - 1]
    return x, y


def _texts_or_whole(classes: Vocabulary, kind: str) -> np.ndarray:
    """The classes of a target, `(classes,)`: as int64 if all are whole numbers in canonical form, otherwise as text."""
    names = classes.categories
    if kind == "whole" and all(str(int(name)) == name for name in names):
        return np.array(list(map(int, names)), np.int64)
    return np.array(names)


def check_columns(table: Table, needed, may_have=()) -> None:
    """Refuse a table that lacks columns, and warn of surplus ones.

    Args:
        table: Table to check.
        needed: Names of the columns that it must have.
        may_have: Names of further columns that cause no warning.

    Raises:
        ValueError: If a column is missing.
    """
    absent = [column for column in needed if column not in table.columns]
    surplus = [column for column in table.columns if column not in (*needed, *may_have)]
    if absent:
        also = f"; it has {shorten(surplus)} instead" if surplus else ""
        raise ValueError(f"{table.where} lacks {_count(absent, 'column')}: {shorten(absent)}{also}")
    if surplus:
        warnings.warn(
            f"{table.where}: passed over {_count(surplus, 'surplus column')}: {shorten(surplus)}", stacklevel=2
        )


def _count(items, what: str) -> str:
    return f"{len(items)} {what}{'s' if len(items) > 1 else ''}"


def _encode(
    table: Table, found: Schema, features, vocabularies, roles, digested=()
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """`x` `(rows, features)`, and the other columns `(rows,)` by role.

    Args:
        table: Table to read.
        found: Schema of the table.
        features: Names of the columns of `x`; those without a kind in the schema are filled with 0.
        vocabularies: Vocabulary of each feature that holds categories.
        roles: Name, kind and vocabulary (`None` for numbers) of the column of each role.
        digested: Names of the columns whose digests are returned under the role `digests`; default: no such role.
    """
    store, others = RowStore(), {role: RowStore() for role in (*roles, *(["digests"] if digested else []))}
    where = {name: number for number, name in enumerate(table.columns)}
    for batch in table.batches():
        x = np.empty((len(batch), len(features)), np.float32)
        for number, name in enumerate(features):
            if name not in found.kinds:
                x[:, number] = 0
                continue
            values = column_values.cleaned(batch.column(where[name]), found.missing[name])
            encoded = _values(values, found.kinds[name], vocabularies.get(name), found.formats.get(name))
            x[:, number] = rescale(encoded, found.rescaled[name]) if name in found.rescaled else encoded
        store.append(x)
        for role, (name, kind, vocabulary) in roles.items():
            values = column_values.cleaned(batch.column(where[name]), found.missing[name])
            others[role].append(_values(values, kind, vocabulary, found.formats.get(name)))
        if digested:
            others["digests"].append(row_digests.of_batch(batch, table.columns, digested, found.missing))
    # Arrow would keep the memory of its blocks for further reading.
    pyarrow.default_memory_pool().release_unused()
    return store.finish(), {role: rows.finish() for role, rows in others.items()}


def _values(values, kind: str, vocabulary: Vocabulary | None, form: Format | None) -> np.ndarray:
    """Cleaned values as numbers, codes or days `(rows,)`, by the kind of their column."""
    if form is None and kind == "date":
        form = Format(dates=formats.ISO)
    if form is not None:
        values, _ = formats.read(values, form)
    if kind == "category":
        return vocabulary.encode(values)
    if kind == "date":
        return column_values.days(values)
    if kind == "key":
        return column_values.keys(values)
    return column_values.whole_numbers(values) if kind == "whole" else column_values.numbers(values)[0]


def name_classes(source: Source, names: tuple[str, ...]) -> None:
    """Turn the label codes of a source into class numbers, in the order of `names`.

    Raises:
        ValueError: If a part has labels that are not among `names`.
    """
    places = {name: number for number, name in enumerate(names)}
    numbers = np.array([-1, *(places[name] for name in source.label_names)])
    for part, (x, _) in source.parts.items():
        y = numbers[source.labels[part]]
        if (y < 0).any():
            first = int((y < 0).argmax())
            raise ValueError(
                f"{(y < 0).sum():,} targets ({source.target}) of the {part} part, the first at row {first}, are none "
                f"of the classes {shorten(names, 20)}"
            )
        source.parts[part] = x, y
    source.class_names = names
