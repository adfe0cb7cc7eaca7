"""The schema of a table, detected from its values: kinds of the columns, how they are written, which are left out."""

from dataclasses import dataclass, field

import pyarrow
import pyarrow.compute as compute

from recipes.arguments.names import printable, shorten, unknown
from recipes.data.dataset import as_setting
from recipes.data.tables import column_values, formats
from recipes.data.tables.formats import Format
from recipes.data.tables.scan import MOST_STRAY_TEXTS, Scan
from recipes.data.tables.shapes import verdict
from recipes.data.tables.table import Table
from recipes.settings import Data


def missing_texts(table: Table, texts, target: str | None, kept_classes) -> dict[str, tuple[str, ...]]:
    """The texts that mean a missing value, in lower case, by column.

    Args:
        table: Table whose columns they are for.
        texts: Further texts that mean a missing value, besides the usual ones.
        target: Name of the target, in which class names are not missing values; `None` for no target.
        kept_classes: Class names that usually mean a missing value.
    """
    marks = (*column_values.MISSING, *(text.lower() for text in texts))
    kept = {text.lower() for text in kept_classes}
    return {name: tuple(mark for mark in marks if name != target or mark not in kept) for name in table.columns}


def roles(table: Table, settings: Data) -> dict[str, str]:
    """Names of the columns that are no features: `target`, and `group_column` and `time_column` if they are set.

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
            raise ValueError("; ".join([str(error), *map(printable, table.notes)]))


def _scan(table: Table, names, missing, forms=None, sees_marks: bool = False) -> dict[str, Scan]:
    refused = next((name for name in names if name in table.refused), None)
    if refused is not None:
        raise ValueError(table.refused[refused])
    scans = {name: Scan(name, form=(forms or {}).get(name), sees_marks=sees_marks) for name in names}
    for batch in table.batches():
        for name, scan in scans.items():
            scan.update(column_values.cleaned(batch.column(table.columns.index(name)), missing[name]))
    return scans


@dataclass(frozen=True)
class Schema:
    """What the columns of a table hold.

    Attributes:
        kinds: Kind of each column that takes part: `"number"`, `"date"` or `"category"`; of a target also `"whole"` and
            `"wide"` (see `target_kind`), of groups `"key"`.
        missing: Texts that mean a missing value, in lower case, by column.
        formats: Formats of numbers and dates, by column, unless plain.
        rescaled: Offset and unit, by column, of the features that float32 would merge.
        left_out: Reason why a feature does not take part, by column.
        notes: Notes for the user.
    """

    kinds: dict[str, str]
    missing: dict[str, tuple[str, ...]]
    formats: dict[str, Format] = field(default_factory=dict)
    rescaled: dict[str, tuple[float, float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def detect_schema(table: Table, features, roles: dict[str, str], settings: Data) -> Schema:
    """The schema of a table, from one pass over it, and a second one over texts that are numbers or dates.

    Args:
        table: Table to read.
        features: Names of the columns to learn from.
        roles: Names of the other columns, by role.
        settings: Settings of the data, which overrule what is detected.

    Raises:
        ValueError: If the values of a column are mixed, or a target or time may be read in several ways.
    """
    missing = missing_texts(table, settings.missing, roles["target"], settings.kept_classes)
    scans, forms, notes = _detect_formats(table, features, roles, settings, missing)
    kinds, left_out = _kinds(table, features, roles, settings, scans)
    return Schema(kinds, missing, forms, _rescaled(scans, features, kinds), left_out, notes)


def _detect_formats(
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
    """Whether the column is a target whose texts, such as 3D and 2D, are class names rather than measurements."""
    return name == roles["target"] and settings.task != "regression" and any(map(str.isalpha, form.unit))


def _kinds(table: Table, features, roles, settings, scans) -> tuple[dict[str, str], dict[str, str]]:
    """The kind of each column that takes part, and the reason why each other feature is left out."""
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
    """The features that cannot help to predict other rows, each with its reason."""
    left_out = {scan.name: "no value in any row" for scan in scans if not scan.present}
    may_count = {scan.name for scan in scans} - {*left_out, *settings.keep, *settings.categorical}
    counting = [scan.name for scan in scans if scan.name in may_count and scan.counts_rows]
    # If all columns look like row numbers, they are used: nothing else is there to learn from.
    if len(counting) < len(scans) - len(left_out):
        left_out |= dict.fromkeys(counting, f"counts or names the rows ({_keep_hint(counting)})")
    return left_out


def _keep_hint(names) -> str:
    """The hint that names the setting which keeps columns that are left out."""
    return f"data.keep: {as_setting(names)} keeps {'it' if len(names) == 1 else 'them'}"


def _rescaled(scans: dict[str, Scan], features, kinds) -> dict[str, tuple[float, float]]:
    """Offset and unit of the features that float32 would merge.

    They are computed from all rows, including the test rows. No information leaks by that, since the scaling learnt
    from the training part alone undoes offset and unit.
    """
    found = {name: scans[name].precision.rescaling for name in features if kinds.get(name) in ("number", "date")}
    return {name: rescaling for name, rescaling in found.items() if rescaling is not None}


def target_kind(scan: Scan, where: str, categorical) -> str:
    """Kind of a target: `"category"`, `"whole"`, `"wide"` (whole numbers beyond int64) or `"number"`.

    Args:
        scan: Scan of the whole column.
        where: Name of the table in messages.
        categorical: Names of columns whose numbers are categories.

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
        ValueError: If a value is missing, with the texts that may be classes, though they usually mean a missing value.
    """
    if not scan.missing:
        return
    texts = _texts_for_missing(table, scan.name)
    fix = "leave such rows out"
    if texts:
        fix += f", or say which texts are classes (data.kept_classes: {as_setting(texts)})"
    raise ValueError(f"{_without_value(scan, 'the target', table.where)}: {fix}")


def _texts_for_missing(table: Table, column: str) -> list[str]:
    """The distinct texts of a column that usually mean a missing value, such as NA, in order of appearance."""
    number, found = table.columns.index(column), {}
    for batch in table.batches():
        values = batch.column(number)
        if pyarrow.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if column_values.is_text(values.type):
            gaps = compute.filter(values, compute.is_null(column_values.cleaned(values)))
            found |= dict.fromkeys(text.strip() for text in compute.unique(compute.drop_null(gaps)).to_pylist())
    return [text for text in found if text]


def _without_value(scan: Scan, what: str, where: str) -> ValueError:
    return ValueError(
        f"{what} {scan.name!r} of {where} has {scan.missing:,} missing values, the first at row {scan.first_missing}"
    )


def require(table: Table, schema: Schema, names, unchecked=()) -> dict[str, Scan]:
    """Refuse a table whose columns do not have the kinds of a schema.

    Args:
        table: Table to check.
        schema: Schema of another table, such as the training part.
        names: Names of the columns to check.
        unchecked: Names of further columns to scan, of any kind.

    Returns:
        A scan of each column, by name.

    Raises:
        ValueError: With the column, and the first value of another kind.
    """
    dates = {name: Format(dates=formats.ISO) for name in names if schema.kinds[name] == "date"}
    scans = _scan(table, (*names, *unchecked), schema.missing, dates | schema.formats)
    for name in names:
        kind = schema.kinds[name]
        if name not in unchecked:
            scans[name].require("number" if kind in ("whole", "wide") else kind, table.where, schema.rescaled.get(name))
    return scans
