"""The page of a run: one file without a reference to anything outside, made from the run folder alone."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from recipes.disk.whole import write_text_whole
from recipes.report.sections import advice, classes, columns, losses, making, training, verdict
from recipes.report.templating import name, render, said, source
from recipes.runs import files
from recipes.runs.stored import Stored


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        key: Name of its template, and of its place on the page.
        title: Heading.
        context: Function of the run that returns what the template shows; `None` where there is nothing to show.
    """

    key: str
    title: str
    context: Callable[[Stored], dict[str, Any] | None]


SECTIONS = (
    Section("verdict", "Verdict", verdict.verdict),
    Section("advice", "What to do next", advice.advice),
    Section("curves", "Learning curves", training.learning_curves),
    Section("layers", "Gradients, updates and activations", training.layers),
    Section("classes", "Scores by class", classes.by_class),
    Section("confusion", "Confusion", classes.confusion),
    Section("calibration", "Calibration", losses.calibration),
    Section("losses", "Greatest losses", losses.greatest_losses),
    Section("groups", "Groups of rows", columns.groups),
    Section("importance", "Importance of columns", columns.importance),
    Section("data", "Data", columns.data),
    Section("cost", "Speed and size", making.cost),
    Section("recipe", "Recipe", making.recipe),
    Section("origin", "Versions and how to repeat it", making.origin),
    Section("usage", "Use the model", making.usage),
)

# Files of a run, and what the page lacks without them.
_LACKING = {
    files.REPORT: "the scores",
    files.HISTORY: "the learning curves",
    files.RECORD: "gradients, updates and activations",
    files.RECIPE: "the recipe",
    files.VERSIONS: "versions, seed, recipe and data",
}


def page_of(stored: Stored) -> str:
    """The page of a run as HTML.

    Args:
        stored: Run folder. What it lacks, or holds damaged, is named at the top; the rest is shown.

    Raises:
        ValueError: If there is a model file alone.
    """
    if not is_run_folder(stored):
        raise ValueError(f"{stored} lies in no run folder: there is nothing but the model to show")
    missing = [
        Markup("{} is not there: {} cannot be shown").format(name(file), what)
        for file, what in _LACKING.items()
        if not os.path.lexists(stored.directory / file)
    ]
    missing += _without_analysis(stored)
    sections = []
    for section in SECTIONS:
        try:
            context = section.context(stored)
            if context is not None:
                sections.append((section, render(f"{section.key}.html", **context)))
        except FileNotFoundError:
            continue  # one that the manifest lists, and that is named already
        except (ValueError, OSError) as error:
            missing.append(Markup("{}: {}").format(section.title, said(error)))
        except Exception:  # values of a stranger's files can fail in many ways
            missing.append(Markup("{}: a file of the run is damaged").format(section.title))
    title = stored.directory.resolve().name
    return document("page.html", title, name=title, sections=sections, missing=list(dict.fromkeys(missing)))


def is_run_folder(stored: Stored) -> bool:
    """Whether there is anything beside the model that tells of its training."""
    return any(os.path.lexists(stored.directory / file) for file in _LACKING)


def document(template: str, title: str, **context) -> str:
    """A whole page, with its style sheet and its script in it."""
    parts = {"style": source("style.css"), "script": source("script.js"), "title": title}
    return str(render(template, **parts, **context)).rstrip() + "\n"


def write_page(stored: Stored) -> None:
    """Write the page into the run folder.

    Raises:
        ValueError, OSError: If it cannot be made or written.
    """
    write_text_whole(stored.directory / files.PAGE, page_of(stored))


def _without_analysis(stored: Stored) -> list[Markup]:
    """A note for runs of older versions, whose reports hold no analysis."""
    try:
        lacks = stored.report is not None and stored.analysis is None
    except (ValueError, OSError):
        return []
    what = "comparison with simple models, groups, importance of columns and latency cannot be shown"
    return [Markup("The report holds no analysis: {}").format(what)] if lacks else []
