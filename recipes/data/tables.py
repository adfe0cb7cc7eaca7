"""Tables with columns of any kind as matrices of float32: numbers, codes of categories, days."""

import warnings

import numpy as np
import pyarrow
import pyarrow.compute as compute

from recipes.data import columns, formats, row_digests
from recipes.data.columns import Vocabulary
from recipes.data.dataset import as_setting, shorten
from recipes.data.formats import Format
from recipes.data.precision import rescale
from recipes.data.scan import MOST_STRAY_TEXTS, Scan
from recipes.data.shapes import verdict
from recipes.data.source import Source
from recipes.data.store import RowStore
from recipes.data.table import Table
from recipes.lookup import unknown
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
    roles = _roles(first, settings)
    features = tuple(column for column in first.columns if column not in {*roles.values(), *settings.ignore})
    if not features:
        raise ValueError(f"{first.where} has no column besides the target to learn from")
    missing = missing_texts(first, settings.missing, roles["target"], settings.kept_classes)
    scans, forms, notes = _understand(first, features, roles, settings, missing)
    kinds, left_out = _kinds(first, features, roles, settings, scans)
    rescaled = _rescaled(scans, features, kinds)
    target = roles.pop("target")
    used = tuple(column for column in features if column not in left_out)
    vocabularies = {column: Vocabulary() for column in used if kinds[column] == "category"}
    classes = Vocabulary() if kinds[target] in _LABELLED else None
    parts, labels, digests, extra = {}, {}, {}, {}
    for part, table in tables.items():
        if table is not first:
            check_columns(table, (*used, target), may_have=first.columns)
            _require(table, kinds, (*used, target), missing, forms, rescaled)
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
        notes=(*(note for table in tables.values() for note in table.notes), *notes),
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
    missing = missing_texts(table, missing, target, kept_classes)
    forms = {column: Format(**form) for column, form in (written or {}).items() if column in (*used, target)}
    rescaled = rescaled or {}
    scans = _require(table, kinds, used, missing, forms, rescaled, also=[target] if target else [])
    known_categories = {
        column: Vocabulary(vocabularies[column], grows=False) for column in used if column in vocabularies
    }
    roles = {}
    if target:
        _refuse_missing_targets(scans[target], table)
        kind, classes = _target_kind(scans[target], table.where, ()), Vocabulary()
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


def missing_texts(table: Table, texts, target: str | None, kept_classes) -> dict[str, tuple[str, ...]]:
    """By column, the texts that mean a missing value, in lower case."""
    marks = (*columns.MISSING, *(text.lower() for text in texts))
    kept = {text.lower() for text in kept_classes}
    return {name: tuple(mark for mark in marks if name != target or mark not in kept) for name in table.columns}


def _roles(table: Table, settings: Data) -> dict[str, str]:
    """Column names of the target and, where there are any, of groups and times."""
    if settings.target is None:
        raise ValueError(
            f"which column of {table.where} is to be predicted? Say so by --target (data.target). It has: "
            f"{shorten(table.columns, 30)}"
        )
    roles = {role: getattr(settings, role) for role in ("target", "group_column", "time_column")}
    roles = {role: column for role, column in roles.items() if column is not None}
    for setting, named in ((f"data.{role}", [column]) for role, column in roles.items()):
        _refuse_unknown(table, setting, named)
    for setting in ("ignore", "categorical", "keep"):
        _refuse_unknown(table, f"data.{setting}", getattr(settings, setting))
    return roles


def _refuse_unknown(table: Table, setting: str, named) -> None:
    for column in named:
        if column not in table.columns:
            error = unknown(f"column for {setting} of {table.where}:", column, table.columns)
            raise ValueError("; ".join([str(error), *table.notes]))


def _scan(table: Table, names, missing, forms=None, sees_marks: bool = False) -> dict[str, Scan]:
    refused = next((name for name in names if name in table.refused), None)
    if refused is not None:
        raise ValueError(table.refused[refused])
    scans = {name: Scan(name, form=(forms or {}).get(name), sees_marks=sees_marks) for name in names}
    for batch in table.batches():
        for name, scan in scans.items():
            scan.update(columns.cleaned(batch.column(table.columns.index(name)), missing[name]))
    return scans


def _understand(
    table: Table, features, roles, settings: Data, missing
) -> tuple[dict[str, Scan], dict[str, Format], tuple[str, ...]]:
    """What each column holds, how it is written where it is not plainly, and what is worth a note about that."""
    scans = _scan(table, (*features, *roles.values()), missing, sees_marks=settings.thousands == ".")
    forms, examples, notes = {}, {}, []
    for name, scan in scans.items():
        if name in settings.categorical or name == roles.get("group_column"):
            continue
        found = verdict(scan.shapes, 1 - MOST_STRAY_TEXTS, settings.decimal, settings.thousands, settings.dates)
        if found.form is not None and not (scan.dates or _names_classes(name, found.form, roles, settings)):
            forms[name], examples[name] = found.form, found.example
        elif found.hint and name == roles["target"]:
            raise ValueError(
                f"the target {name!r} of {table.where} looks like {found.hint}; if it holds classes, say so "
                f"(data.categorical: {as_setting([name])})"
            )
        elif found.hint:
            notes.append(f"column {name!r} is taken as text, but looks like {found.hint}")
    if forms:
        again = _scan(table, forms, missing, forms)
        forms = {name: form for name, form in forms.items() if again[name].fits}
        scans |= {name: again[name] for name in forms}
    for words in dict.fromkeys(form.describe() for form in forms.values()):
        alike = [name for name, form in forms.items() if form.describe() == words]
        notes.append(f"read as {words}: {shorten(alike)} (such as {examples[alike[0]]!r})")
    return scans, forms, tuple(notes)


def _names_classes(name: str, form: Format, roles, settings: Data) -> bool:
    """Whether the column is a target whose texts, such as 3D and 2D, are rather names of classes than measures."""
    return name == roles["target"] and settings.task != "regression" and any(map(str.isalpha, form.unit))


def _kinds(table: Table, features, roles, settings, scans) -> tuple[dict[str, str], dict[str, str]]:
    """The kind of each column that takes part, and why the other features are left out."""
    left_out = _left_out([scans[column] for column in features], settings)
    kinds = {
        column: scans[column].kind(table.where, settings.categorical) for column in features if column not in left_out
    }
    for role, column in roles.items():
        if role == "target":
            _refuse_missing_targets(scans[column], table)
            kinds[column] = _target_kind(scans[column], table.where, settings.categorical)
        elif scans[column].missing:
            raise _without_value(scans[column], f"data.{role}", table.where)
        elif role == "time_column":
            kinds[column] = scans[column].kind(table.where)
            if kinds[column] == "category":
                text = scans[column].first_text
                raise ValueError(
                    f"data.time_column must hold numbers or dates such as 2024-12-31. Received: {text[0]!r}"
                )
        else:
            kinds[column] = "key"
    return kinds, left_out


def _left_out(scans: list[Scan], settings: Data) -> dict[str, str]:
    """By column, why its values say nothing about other rows."""
    left_out = {scan.name: "no value in any row" for scan in scans if not scan.present}
    may_count = {scan.name for scan in scans} - {*left_out, *settings.keep, *settings.categorical}
    counting = [scan.name for scan in scans if scan.name in may_count and scan.counts_rows]
    # The only column of a table is what there is to learn from, whatever it looks like.
    if len(counting) < len(scans) - len(left_out):
        left_out |= dict.fromkeys(counting, f"counts or names the rows ({keep_hint(counting)})")
    return left_out


def keep_hint(names) -> str:
    """How to keep columns that are left out."""
    return f"data.keep: {as_setting(names)} keeps {'it' if len(names) == 1 else 'them'}"


def _rescaled(scans: dict[str, Scan], features, kinds) -> dict[str, tuple[float, float]]:
    """Offset and unit of the features that float32 would merge.

    They are seen from all rows, those of the test among them. That teaches nothing about these: the scaling that is
    learnt from the training part alone undoes offset and unit.
    """
    found = {name: scans[name].precision.rescaling for name in features if kinds.get(name) in ("number", "date")}
    return {name: rescaling for name, rescaling in found.items() if rescaling is not None}


def _target_kind(scan: Scan, where: str, categorical) -> str:
    """`"category"`, `"whole"`, `"wide"` (whole numbers that int64 does not hold) or `"number"`."""
    if scan.truths:
        return "category"
    kind = scan.kind(where, categorical)
    if kind == "date":
        raise ValueError(f"the target {scan.name!r} of {where} holds dates: neither classes nor numbers to predict")
    if kind == "number" and scan.whole:
        return "wide" if scan.wide else "whole"
    return kind


def _refuse_missing_targets(scan: Scan, table: Table) -> None:
    if not scan.missing:
        return
    texts = _texts_for_missing(table, scan.name)
    fix = "leave such rows out"
    if texts:
        fix += f", or say which texts are classes (data.kept_classes: {as_setting(texts)})"
    raise ValueError(f"{_without_value(scan, 'the target', table.where)}: {fix}")


def _texts_for_missing(table: Table, column: str) -> list[str]:
    """The different texts of a column that usually mean a missing value, such as NA, in their order."""
    number, found = table.columns.index(column), {}
    for batch in table.batches():
        values = batch.column(number)
        if pyarrow.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if columns.is_text(values.type):
            gaps = compute.filter(values, compute.is_null(columns.cleaned(values)))
            found |= dict.fromkeys(text.strip() for text in compute.unique(compute.drop_null(gaps)).to_pylist())
    return [text for text in found if text]


def _without_value(scan: Scan, what: str, where: str) -> ValueError:
    return ValueError(
        f"{what} {scan.name!r} of {where} has {scan.missing:,} missing values, the first at row {scan.first_missing}"
    )


def _require(table: Table, kinds, names, missing, forms, rescaled, also=()) -> dict[str, Scan]:
    dates = {name: Format(dates=formats.ISO) for name in names if kinds[name] == "date"}
    scans = _scan(table, (*names, *also), missing, dates | forms)
    for name in names:
        kind = kinds[name]
        if name not in also:
            scans[name].require("number" if kind in ("whole", "wide") else kind, table.where, rescaled.get(name))
    return scans


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
