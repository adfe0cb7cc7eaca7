"""Subjects of the analysis of a run, which a run folder may lack."""

from typing import Any

from recipes.runs.stored import Stored


def subject(stored: Stored, name: str) -> Any:
    """A subject of the analysis, such as `"groups"`; `None` where it was not analysed, or there is no report.

    Raises:
        ValueError: If the report is damaged.
    """
    try:
        return (stored.analysis or {}).get(name)
    except FileNotFoundError:  # the manifest knows of a report that is not there
        return None


def basis_of(stored: Stored, name: str) -> dict[str, Any]:
    """Numbers of rows by part, and the score, on which a subject of the analysis is based; empty where not known."""
    return (subject(stored, "basis") or {}).get(name) or {}
