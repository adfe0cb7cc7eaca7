"""The model card of a run: what the Hugging Face Hub shows of a model, filled from the run folder alone.

https://huggingface.co/docs/hub/model-cards describes it: a block of YAML, which programs read, then Markdown. What a
run does not know, such as a license or the name of a dataset on the Hub, is left out.
"""

import dataclasses
from pathlib import Path, PurePath
from typing import Any

import jinja2

from recipes.arguments import plain_yaml
from recipes.arguments.names import printable
from recipes.data import ARRAYS, is_name
from recipes.disk.manifest import digest
from recipes.disk.whole import write_text_whole
from recipes.metrics import ClassificationReport, RegressionReport
from recipes.report import markdown
from recipes.report.card_analysis import cautions, simple_models, training_rows
from recipes.report.card_scores import hub_metrics, scores_of
from recipes.report.subjects import intact_part
from recipes.runs import files
from recipes.runs.stored import Stored
from recipes.settings import Recipe

_MOST_CLASSES = 50
_MOST_COLUMNS = 50
_MOST_PAIRS = 5
_MOST_NOTES = 10
_TASKS = {
    ("images", "classification"): "image-classification",
    ("table", "classification"): "tabular-classification",
    ("table", "regression"): "tabular-regression",
}
_ROWS = {"images": "images", "table": "rows of a table", "sequences": "sequences", None: "rows"}

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=False,  # Markdown has an escape of its own
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters |= {
    "line": printable,
    "text": markdown.text,
    "fenced": markdown.fenced,
    "number": markdown.number,
    "interval": markdown.interval,
}


def write_model_card(stored: Stored) -> None:
    """Write the model card into the run folder.

    Raises:
        OSError: If it cannot be written.
    """
    write_text_whole(stored.directory / files.MODEL_CARD, model_card(stored))


def model_card(stored: Stored) -> str:
    """The text of the model card. What the run folder lacks, or holds damaged, is left out.

    Args:
        stored: Run folder, or a model file.
    """
    facts = _facts(stored)
    metadata = plain_yaml.dump(_metadata(facts))
    return _TEMPLATES.get_template("model_card.md").render(metadata=metadata, **facts)


def _facts(stored: Stored) -> dict[str, Any]:
    """Everything the card shows, by the names of its template; `None` for what is not known."""
    report, recipe = intact_part(stored, "report"), intact_part(stored, "recipe")
    versions, fingerprint = intact_part(stored, "versions") or {}, intact_part(stored, "fingerprint")
    analysis = intact_part(stored, "analysis") or {}
    class_names = intact_part(stored, "class_names")
    if isinstance(report, RegressionReport):
        task = "regression"
    elif report is not None or class_names is not None:
        task = "classification"
    else:
        task = getattr(intact_part(stored, "outputs"), "task", None)
    kind = _kind(stored, analysis)
    return {
        "name": stored.directory.resolve().name,
        "data_name": None if recipe is None else _data_name(recipe),
        "recipe": recipe,
        "settings": None if recipe is None else _changed_settings(_without_folders(recipe)),
        "own_model": versions.get("model") not in ("the recipe's", None),
        "task": task,
        "kind": kind,
        "what_rows": _ROWS[kind],
        "columns": () if fingerprint is None else fingerprint.columns,
        "most_columns": _MOST_COLUMNS,
        "class_names": class_names,
        "most_classes": _MOST_CLASSES,
        "trivial_name": "the best constant" if task == "regression" else "the majority class",
        "undefined": getattr(report, "undefined", ()),
        "most_notes": _MOST_NOTES,
        "num_parameters": _num_parameters(stored, analysis),
        "rows": None if fingerprint is None else fingerprint.rows,
        "digests": None if fingerprint is None else fingerprint.digests,
        "kept_epoch": intact_part(stored, "kept_epoch"),
        "epochs": len(next(iter((intact_part(stored, "history") or {}).values()), ())),
        "seed": intact_part(stored, "seed"),
        "packages": _packages(versions),
        "model_file": stored.model_file.name,
        "sha256": _sha256(stored),
        "report": report,
        "scores": [] if report is None else scores_of(report),
        "percent": None if report is None else f"{100 * report.confidence:g} %",
        **_by_class(report),
        **_of_analysis(analysis),
    }


def _of_analysis(analysis: dict[str, Any]) -> dict[str, Any]:
    """What the analysis tells; nothing where it is not as `train` writes it."""
    try:
        rows = training_rows(analysis)
        return {"simple_models": simple_models(analysis), "simple_rows": rows, "cautions": cautions(analysis)}
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):  # plain values of a stranger
        return {"simple_models": [], "simple_rows": "", "cautions": []}


def _kind(stored: Stored, analysis: dict[str, Any]) -> str | None:
    """What a row is: `table`, `images` or `sequences`.

    The layer of the model that prepares raw rows tells, where neither the analysis nor its images do: that takes
    loading the model.
    """
    if isinstance(analysis.get("data"), dict) and "columns" in analysis["data"]:
        return "table"
    if intact_part(stored, "examples") is not None:
        return "images"
    layer = type(getattr(intact_part(stored, "outputs"), "preparation", None)).__name__
    kinds = {"TablePreparation": "table", "ImagePreparation": "images", "SequencePreparation": "sequences"}
    return kinds.get(layer)


def _num_parameters(stored: Stored, analysis: dict[str, Any]) -> int | None:
    latency = analysis.get("latency")
    count = latency.get("parameters") if isinstance(latency, dict) else None
    if isinstance(count, int):
        return count
    model = intact_part(stored, "model")
    return None if model is None else model.count_params()


def _data_name(recipe: Recipe) -> str | None:
    """Name of the data: of a file without its folders, which are nobody's business; `None` for arrays."""
    name = recipe.data.name
    if name == ARRAYS:
        return None
    return name if is_name(name) else PurePath(name).name


def _without_folders(recipe: Recipe) -> Recipe:
    """The recipe with paths of the data cut to the names of the files."""
    settings = {"directory": None}
    for setting in ("name", "validation_file", "test_file"):
        value = getattr(recipe.data, setting)
        if value is not None and not is_name(value):
            settings[setting] = PurePath(value).name or value
    return recipe.replace(data=settings)


def _changed_settings(recipe: Recipe) -> str:
    """YAML of the settings that differ from the defaults; empty where none does."""
    default = dataclasses.asdict(Recipe(name=recipe.name))
    changed = {}
    for part, settings in dataclasses.asdict(recipe).items():
        if isinstance(settings, dict):
            values = {name: value for name, value in settings.items() if value != default[part][name]}
            if values:
                changed[part] = {
                    name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
                }
    return plain_yaml.dump(changed) if changed else ""


def _packages(versions: dict) -> dict[str, str]:
    """Versions of Python and of the packages, by name."""
    packages = versions.get("packages")
    known = {"python": versions.get("python"), **(packages if isinstance(packages, dict) else {})}
    return {name: version for name, version in known.items() if isinstance(version, str)}


def _sha256(stored: Stored) -> str | None:
    """SHA-256 of the model file as it lies in the folder."""
    try:
        return digest(stored.model_file)["sha256"]
    except OSError:
        return None


def _by_class(report) -> dict[str, Any]:
    """Scores of each class, the worst first where there are many, and the pairs that are confused most."""
    if not isinstance(report, ClassificationReport):
        return {"classes": [], "num_classes": 0, "most_confused": []}
    names = list(report.class_names)
    if len(names) > _MOST_CLASSES:
        names = sorted(names, key=lambda name: report.classes[name]["f1"])[:_MOST_CLASSES]
    pairs = report.most_confused[:_MOST_PAIRS] if len(report.class_names) > 2 else ()
    return {
        "classes": [(name, report.classes[name], report.class_intervals[name]) for name in names],
        "num_classes": len(report.class_names),
        "most_confused": pairs,
    }


def _metadata(facts: dict[str, Any]) -> dict[str, Any]:
    """The block of YAML: https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    recipe, report = facts["recipe"], facts["report"]
    tag = _TASKS.get((facts["kind"], facts["task"]))
    builder = [recipe.model.builder] if recipe is not None and not facts["own_model"] else []
    metadata = {"library_name": "keras", "tags": ["keras-recipes", *builder]}
    if tag is not None:
        metadata["pipeline_tag"] = tag
    metrics = [] if report is None else hub_metrics(report)
    if metrics:
        metadata["metrics"] = list(dict.fromkeys(metric["type"] for metric in metrics))
        result = {
            "task": {"type": tag or facts["task"]},
            # Both are required. The type is the kind of the rows, since the data need not be on the Hub.
            "dataset": {
                "type": facts["kind"] or "arrays",
                "name": _name(facts["data_name"] or "arrays"),
                "split": "test",
            },
            "metrics": metrics,
        }
        metadata["model-index"] = [{"name": _name(facts["name"]), "results": [result]}]
    return metadata


def _name(name: str) -> str:
    """A name as one line, which no program takes for commands."""
    return printable(name, 200)
