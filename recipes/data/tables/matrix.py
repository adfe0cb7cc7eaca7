"""Tables with columns of any kind as matrices of float32: numbers, codes of categories, days."""

import warnings

import numpy as np
import pyarrow

from recipes.arguments.names import shorten
from recipes.data import row_digests
from recipes.data.precision import rescale
from recipes.data.source import Source
from recipes.data.store import RowStore
from recipes.data.tables import columns, formats, table_columns
from recipes.data.tables.columns import Vocabulary
from recipes.data.tables.formats import Format
from recipes.data.tables.table import Table
from recipes.settings import Data

# Kinds of targets that may be classes, which keep the text of their labels.
_LABELLED = ("category", "whole", "wide")


def read(tables: dict[str, Table], settings: Data, name: str) -> Source:
    """Features and target of a table.

    Args:
        tables: By part: `"all"`, to be split, or `"train"`, with `"validation"` and `"test"` where they are given. The
            kinds of the columns are those of the first.
        settings: Name the target, and the columns that do not take part.
        name: Of the data.

    Raises:
        ValueError: If there is no such column, the parts differ in their columns, or values do not go together.
    """
    first = next(iter(tables.values()))
    roles = table_columns.roles(first, settings)
    features = tuple(column for column in first.columns if column not in {*roles.values(), *settings.ignore})
    if not features:
        raise ValueError(f"{first.where} has no column besides the target to learn from")
    missing = table_columns.missing_texts(first, settings.missing, roles["target"], settings.kept_classes)
    found = table_columns.understand(first, features, roles, settings, missing)
    kinds, left_out, forms, rescaled = found.kinds, found.left_out, found.forms, found.rescaled
    target = roles.pop("target")
    used = tuple(column for column in features if column not in left_out)
    vocabularies = {column: Vocabulary() for column in used if kinds[column] == "category"}
    classes = Vocabulary() if kinds[target] in _LABELLED else None
    parts, labels, digests, extra = {}, {}, {}, {}
    for part, table in tables.items():
        if table is not first:
            check_columns(table, (*used, target), may_have=first.columns)
            table_columns.require(table, kinds, (*used, target), missing, forms, rescaled)
            vocabularies = {column: Vocabulary(known.categories, grows=False) for column, known in vocabularies.items()}
            classes = classes and Vocabulary(classes.categories, grows=False)
        needed = {role: (column, kinds[column], None) for role, column in (roles if table is first else {}).items()}
        needed["target"] = target, kinds[target], classes
        if kinds[target] in ("whole", "wide"):
            needed["labels"] = target, "category", classes
        x, others = _encode(table, features, kinds, vocabularies, needed, missing, forms, rescaled, (*used, target))
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
        rescaled=rescaled,
        groups=extra.get("group_column"),
        times=extra.get("time_column"),
        notes=(*(note for table in tables.values() for note in table.notes), *found.notes),
        left_out=left_out
        | {
            column: f"more than {columns.MOST_CATEGORIES:,} different texts"
            for column in used
            if column in vocabularies and vocabularies[column].overflowed
        },
        formats={column: form.to_dict() for column, form in forms.items()},
        row_digests=digests,
        digest_columns=(*used, target),
    )
    if classes is not None and len(classes.categories) < columns.MOST_CATEGORIES:
        source.labels, source.label_names = labels, classes.categories
    if kinds[target] == "category":
        if not source.labels:
            raise ValueError(
                f"the target {target!r} of {first.where} looks like an identifier: it has "
                f"{columns.MOST_CATEGORIES:,} different texts or more. Choose another"
            )
        name_classes(source, tuple(sorted(source.label_names)))
    return source


def rows_for(
    table: Table,
    feature_names,
    vocabularies: dict,
    dates=(),
    target=None,
    unused=(),
    known=(),
    missing=(),
    kept_classes=(),
    numeric_target: bool = False,
    written=None,
    rescaled=None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows of `table` as a trained model takes them, its columns in whatever order.

    Args:
        table: What is to be predicted or judged.
        feature_names: Raw columns of the model, in its order.
        vocabularies: Categories of those that hold some, by column.
        dates: Those that hold dates.
        target: Column to be returned as `y`; `None` for none.
        unused: Raw columns of the model that do not matter, and may be absent.
        known: Columns that the model does not know, and which are no surprise.
        missing: Further texts that mean a missing value.
        kept_classes: Texts that are classes, though they usually mean a missing value.
        numeric_target: Whether the target holds numbers to predict, rather than classes.
        written: How numbers and dates are written, by column, as `Format.to_dict` has it; default: plainly.
        rescaled: Offset and unit, by column, of those that float32 would merge.

    Returns:
        `x` `(rows, columns)`, float32, and `y` `(rows,)`, numbers or texts, or `None`. Whole numbers that are classes
        are texts where they are not written as numbers usually are, such as 00501, or where int64 does not hold them.

    Raises:
        ValueError: If columns are missing, or hold text where numbers are needed.
    """
    used = tuple(column for column in feature_names if column not in unused)
    check_columns(table, (*used, *([target] if target else [])), may_have=(*unused, *known))
    kinds = {column: "date" if column in dates else "number" for column in used}
    kinds |= {column: "category" for column in used if column in vocabularies}
    missing = table_columns.missing_texts(table, missing, target, kept_classes)
    forms = {column: Format(**form) for column, form in (written or {}).items() if column in (*used, target)}
    rescaled = rescaled or {}
    scans = table_columns.require(table, kinds, used, missing, forms, rescaled, also=[target] if target else [])
    known_categories = {
        column: Vocabulary(vocabularies[column], grows=False) for column in used if column in vocabularies
    }
    roles = {}
    if target:
        table_columns.refuse_missing_targets(scans[target], table)
        kind, classes = table_columns.target_kind(scans[target], table.where, ()), Vocabulary()
        if numeric_target and kind != "category":
            kind = "number"
        roles = {"target": (target, "number" if kind == "number" else "category", classes)}
    x, others = _encode(table, feature_names, kinds, known_categories, roles, missing, forms, rescaled)
    y = others.get("target")
    if target and kind != "number":
        y = _texts_or_whole(classes, kind)[y - 1]
    return x, y


def _texts_or_whole(classes: Vocabulary, kind: str) -> np.ndarray:
    """The classes of a target, `(classes,)`: whole numbers as int64 where that loses nothing."""
    names = classes.categories
    if kind == "whole" and all(str(int(name)) == name for name in names):
        return np.array(list(map(int, names)), np.int64)
    return np.array(names)


def check_columns(table: Table, needed, may_have=()) -> None:
    """Refuse a table that lacks columns; name those that nobody asked for.

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
    table: Table, features, kinds, vocabularies, roles, missing, forms, rescaled, digested=()
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """`x` `(rows, features)`, and by role the other columns, `(rows,)`.

    Args:
        table: Rows.
        features: Names of the columns of `x`.
        kinds: Kinds of those that matter.
        vocabularies: Of those that hold categories.
        roles: By role the column, its kind and, for categories, its vocabulary.
        missing: By column, the texts that mean a missing value.
        forms: How numbers and dates are written, by column, where it is not plainly.
        rescaled: Offset and unit, by column of `x`, of those that float32 would merge.
        digested: Columns of which the role `digests` is made.
    """
    store, others = RowStore(), {role: RowStore() for role in (*roles, *(["digests"] if digested else []))}
    where = {name: number for number, name in enumerate(table.columns)}
    for batch in table.batches():
        x = np.empty((len(batch), len(features)), np.float32)
        for number, name in enumerate(features):
            if name not in kinds:  # it does not matter
                x[:, number] = 0
                continue
            values = columns.cleaned(batch.column(where[name]), missing[name])
            found = _values(values, kinds[name], vocabularies.get(name), forms.get(name))
            x[:, number] = rescale(found, rescaled[name]) if name in rescaled else found
        store.append(x)
        for role, (name, kind, vocabulary) in roles.items():
            values = columns.cleaned(batch.column(where[name]), missing[name])
            others[role].append(_values(values, kind, vocabulary, forms.get(name)))
        if digested:
            others["digests"].append(row_digests.of_batch(batch, table.columns, digested, missing))
    pyarrow.default_memory_pool().release_unused()  # Arrow keeps it for further reading, which there is none of
    return store.finish(), {role: rows.finish() for role, rows in others.items()}


def _values(values, kind: str, vocabulary: Vocabulary | None, form: Format | None) -> np.ndarray:
    if form is None and kind == "date":
        form = Format(dates=formats.ISO)
    if form is not None:
        values, _ = formats.read(values, form)
    if kind == "category":
        return vocabulary.encode(values)
    if kind == "date":
        return columns.days(values)
    if kind == "key":
        return columns.keys(values)
    return columns.whole_numbers(values) if kind == "whole" else columns.numbers(values)[0]


def name_classes(source: Source, names: tuple[str, ...]) -> None:
    """Codes of the target as class numbers, in the order of `names`.

    Raises:
        ValueError: If a part has labels that are none of them.
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
