"""Which columns of a table take part, what they hold and how it is written, and why others are left out."""

from dataclasses import dataclass

import pyarrow
import pyarrow.compute as compute

from recipes.arguments.names import shorten, unknown
from recipes.data.dataset import as_setting
from recipes.data.tables import columns, formats
from recipes.data.tables.formats import Format
from recipes.data.tables.scan import MOST_STRAY_TEXTS, Scan
from recipes.data.tables.shapes import verdict
from recipes.data.tables.table import Table
from recipes.settings import Data


def missing_texts(table: Table, texts, target: str | None, kept_classes) -> dict[str, tuple[str, ...]]:
    """By column, the texts that mean a missing value, in lower case."""
    marks = (*columns.MISSING, *(text.lower() for text in texts))
    kept = {text.lower() for text in kept_classes}
    return {name: tuple(mark for mark in marks if name != target or mark not in kept) for name in table.columns}


def roles(table: Table, settings: Data) -> dict[str, str]:
    """Column names of the target and, where there are any, of groups and times.

    Raises:
        ValueError: If no target is named, or a setting names a column that is not there.
    """
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


@dataclass(frozen=True)
class Understood:
    """What the columns of a table hold.

    Attributes:
        kinds: Kind of each column that takes part.
        left_out: By feature, why it does not take part.
        forms: How numbers and dates are written, by column, where it is not plainly.
        rescaled: Offset and unit of the features that float32 would merge.
        notes: What is worth a note.
    """

    kinds: dict[str, str]
    left_out: dict[str, str]
    forms: dict[str, Format]
    rescaled: dict[str, tuple[float, float]]
    notes: tuple[str, ...]


def understand(table: Table, features, roles: dict[str, str], settings: Data, missing) -> Understood:
    """What the columns of a table hold, from one pass over it, and a second one over texts that are numbers or dates.

    Args:
        table: Rows.
        features: Names of the columns to learn from.
        roles: Names of the other columns, by role.
        settings: Says how some columns are meant.
        missing: By column, the texts that mean a missing value.

    Raises:
        ValueError: If values do not go together, or a target or time may be read in several ways.
    """
    scans, forms, notes = _read_formats(table, features, roles, settings, missing)
    kinds, left_out = _kinds(table, features, roles, settings, scans)
    return Understood(kinds, left_out, forms, _rescaled(scans, features, kinds), notes)


def _read_formats(
    table: Table, features, roles, settings: Data, missing
) -> tuple[dict[str, Scan], dict[str, Format], tuple[str, ...]]:
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
        elif found.hint and name == roles.get("time_column"):
            raise ValueError(f"data.time_column {name!r} of {table.where} looks like {found.hint}")
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
            refuse_missing_targets(scans[column], table)
            kinds[column] = target_kind(scans[column], table.where, settings.categorical)
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
        left_out |= dict.fromkeys(counting, f"counts or names the rows ({_keep_hint(counting)})")
    return left_out


def _keep_hint(names) -> str:
    """How to keep columns that are left out."""
    return f"data.keep: {as_setting(names)} keeps {'it' if len(names) == 1 else 'them'}"


def _rescaled(scans: dict[str, Scan], features, kinds) -> dict[str, tuple[float, float]]:
    """Offset and unit of the features that float32 would merge.

    They are seen from all rows, those of the test among them. That teaches nothing about these: the scaling that is
    learnt from the training part alone undoes offset and unit.
    """
    found = {name: scans[name].precision.rescaling for name in features if kinds.get(name) in ("number", "date")}
    return {name: rescaling for name, rescaling in found.items() if rescaling is not None}


def target_kind(scan: Scan, where: str, categorical) -> str:
    """`"category"`, `"whole"`, `"wide"` (whole numbers that int64 does not hold) or `"number"`.

    Raises:
        ValueError: If the target holds dates, or numbers and a few texts.
    """
    if scan.truths:
        return "category"
    kind = scan.kind(where, categorical)
    if kind == "date":
        raise ValueError(f"the target {scan.name!r} of {where} holds dates: neither classes nor numbers to predict")
    if kind == "number" and scan.whole:
        return "wide" if scan.wide else "whole"
    return kind


def refuse_missing_targets(scan: Scan, table: Table) -> None:
    """Refuse a target with missing values.

    Raises:
        ValueError: With the texts that may be classes, though they usually mean a missing value.
    """
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


def require(table: Table, kinds, names, missing, forms, rescaled, also=()) -> dict[str, Scan]:
    """Refuse a table whose columns `names` are not of their `kinds`; what is seen of them and of the columns `also`.

    Raises:
        ValueError: With the column, and the first value that does not belong there.
    """
    dates = {name: Format(dates=formats.ISO) for name in names if kinds[name] == "date"}
    scans = _scan(table, (*names, *also), missing, dates | forms)
    for name in names:
        kind = kinds[name]
        if name not in also:
            scans[name].require("number" if kind in ("whole", "wide") else kind, table.where, rescaled.get(name))
    return scans
