"""A trained model on the disk, with whatever its run folder says about it."""

import os
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from callbacks.watching.record import Record
from recipes.arguments.regular_files import require_regular
from recipes.data import Fingerprint
from recipes.disk import manifest
from recipes.metrics import ClassificationReport, RegressionReport, report_from_dict
from recipes.models.outputs import Outputs
from recipes.models.saved import load_model, model_file
from recipes.runs import data_paths, files, stored_parts
from recipes.runs.run import Run
from recipes.runs.watched import Watched
from recipes.settings import Data, Recipe

# Runs that do not say how images are read dropped their transparency and reduced deep ones to 8 bits.
_RECIPE_OF_OLDER_RUNS = Recipe(name="recipe", data=Data(background=None, depth=8))


class Stored:
    """A run folder or a `.keras` file. Each part is read when it is first asked for, and kept.

    A `Stored` is given as its path would be: to `load_model`, `evaluate`, `predict`, `compare` and `transfer`.

    Args:
        path: Path of the run folder, of its `model.keras`, or of another `.keras` file.

    Attributes:
        path: Path as it was given, for messages.
        model_file: File of the model.
        directory: Folder that holds the model file.

    Raises:
        FileNotFoundError: If there is no model at `path`.
            Also, when a part is read, if the manifest of the run folder lists its file and the file is missing.
        ValueError: If `path` is no path; and, when a part is read, if its file is cut off or damaged.
    """

    def __init__(self, path: str | os.PathLike):
        self.model_file = model_file(path)
        self.path = Path(path)
        self.directory = self.model_file.parent
        self._verified: set[str] = set()

    @classmethod
    def of(cls, run: "Run | Stored | str | os.PathLike") -> "Stored":
        """The stored run that `run` stands for: a `Run`, a `Stored`, or the path of a run folder or `.keras` file."""
        return run if isinstance(run, Stored) else cls(run)

    def __fspath__(self) -> str:
        return str(self.path)

    __str__ = __fspath__

    def __repr__(self) -> str:
        return f"Stored({str(self.path)!r})"

    @cached_property
    def is_run(self) -> bool:
        """Whether the model lies in a run folder, which says how it was trained."""
        return None not in (self._file(files.RECIPE), self._file(files.VERSIONS))

    @cached_property
    def versions(self) -> dict | None:
        """Content of `versions.json`: seed, versions of the packages, and other facts; `None` outside a run folder."""
        return self._read(files.VERSIONS, stored_parts.read_versions)

    @cached_property
    def recipe(self) -> Recipe | None:
        """Recipe of the training with every change applied; `None` outside a run folder.

        Paths of data that do not exist any more are replaced by those relative to the run folder, which hold after a
        whole project was moved.
        """
        if not self.is_run:
            return None
        recipe = Recipe.from_yaml(self.directory / files.RECIPE, base=_RECIPE_OF_OLDER_RUNS)
        known = data_paths.named_by(recipe.data, self.versions.get("paths", {}))
        return recipe.replace(data=data_paths.existing(known, self.directory))

    @cached_property
    def seed(self) -> int | None:
        """Seed of the training and of the split of its data; `None` outside a run folder."""
        if not self.is_run:
            return None
        seed = self.versions.get("seed")
        if not isinstance(seed, int):
            raise ValueError(f"{self.directory / files.VERSIONS} is damaged: it must hold the seed")
        return seed

    @cached_property
    def class_names(self) -> tuple[str, ...] | None:
        """Class names in the order of the outputs; `None` for a regression, and where they are not known."""
        facts = self.versions or {}
        if "classes" not in facts:  # runs of older versions name their classes in the report alone
            facts = self._report_content or {}
        names = facts.get("classes")
        if not isinstance(names, list | dict | None):
            raise ValueError(f"{self.directory / files.REPORT} is damaged: classes must be a mapping by name")
        return tuple(names or ()) or None

    @cached_property
    def fingerprint(self) -> Fingerprint | None:
        """Fingerprint of the data of the training; `None` where an older version wrote the run."""
        facts = (self.versions or {}).get("fingerprint")
        if facts is None:
            return None
        self._file(files.ROWS)
        return Fingerprint.read(facts, self.directory / files.ROWS)

    @cached_property
    def kept_epoch(self) -> int | None:
        """Epoch whose weights the model has, counted from 1; `None` where an older version wrote the run."""
        return (self.versions or {}).get("kept_epoch")

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """Which of `"report"`, `"predictions"` and `"pictures"` the run folder still lacks."""
        return tuple((self.versions or {}).get("missing", ()))

    @cached_property
    def history(self) -> dict[str, list[float]] | None:
        """Values of each epoch, by name; `None` where they are not stored."""
        return self._read(files.HISTORY, stored_parts.read_history)

    @cached_property
    def record(self) -> Record | None:
        """Gradient norms, update ratios and activations by epoch and layer; `None` where they are not stored."""
        return self._read(files.RECORD, stored_parts.read_record)

    @cached_property
    def watched(self) -> Watched | None:
        """What was seen of the training; `None` where history or record are not stored."""
        if self.history is None or self.record is None:
            return None
        return Watched(self.history, self.record, self.kept_epoch, (self.versions or {}).get("kept_reason") or "")

    @cached_property
    def report(self) -> ClassificationReport | RegressionReport | None:
        """Report on the test part; `None` where it is not stored."""
        content = self._report_content
        if content is None:
            return None
        try:
            return report_from_dict(content)
        except ValueError as error:
            raise ValueError(f"{self.directory / files.REPORT} is damaged: {error}") from None

    @cached_property
    def analysis(self) -> dict | None:
        """Analysis of the model and its data as plain values, by subject; `None` where the report holds none."""
        content = (self._report_content or {}).get("analysis")
        if not isinstance(content, dict | None):
            raise ValueError(f"{self.directory / files.REPORT} is damaged: analysis must be a mapping by subject")
        return content

    @cached_property
    def examples(self) -> dict[str, np.ndarray] | None:
        """Array `images`, one for each of the `examples` of the analysis; `None` where they are not stored.

        The images are uint8, or float from 0 to 1: `(examples, height, width)` or `(examples, height, width, channels)`
        with 1, 3 or 4 channels.
        """
        return self._read(files.EXAMPLES, stored_parts.read_examples)

    @cached_property
    def diagnosis(self) -> dict | None:
        """What the doctor has found, as `Diagnosis.to_dict` gives it; `None` where the run was not diagnosed."""
        return self._read(files.DIAGNOSIS, stored_parts.read_json)

    @cached_property
    def predictions(self) -> dict[str, np.ndarray] | None:
        """Arrays `label`, `predicted` and, for classes, `probability`, one row for each row of the test part.

        `None` where they are not stored, or not for all rows.
        """
        if self._report_content is None:
            return None
        num_classes = None if self.class_names is None else len(self.class_names)
        arrays = self._read(files.PREDICTIONS, partial(stored_parts.read_predictions, num_classes=num_classes))
        return arrays if arrays is not None and len(arrays["label"]) == self._report_content.get("rows") else None

    @cached_property
    def model(self) -> keras.Model:
        """Trained model: raw rows in, probabilities or values out."""
        return load_model(self.model_file)

    @cached_property
    def outputs(self) -> Outputs:
        """Facts about the outputs of the model."""
        return Outputs.of(self.model)

    def forget_results(self) -> None:
        """Drop what was read of the results, which have been written meanwhile: they are read anew when asked for."""
        for part in ("versions", "missing", "report", "analysis", "examples", "predictions", "_report_content"):
            vars(self).pop(part, None)
        self._verified -= set(files.RESULTS)

    @cached_property
    def _report_content(self) -> dict | None:
        return self._read(files.REPORT, stored_parts.read_json)

    def _file(self, name: str) -> Path | None:
        """Path of a file of the run folder, checked once by the manifest; `None` where there is no such file."""
        file = self.directory / name
        if not os.path.lexists(file):
            manifest.check(file)  # the manifest knows which files are missing
            return None
        require_regular(file)  # before anything reads it
        if name not in self._verified:
            manifest.check(file)
            self._verified.add(name)
        return file

    def _read(self, name: str, read: Callable[[Path], Any]):
        """Content of a file of the run folder, by the function that reads it; `None` where there is no such file."""
        file = self._file(name)
        return None if file is None else read(file)
