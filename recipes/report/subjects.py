"""Parts of a run folder and subjects of its analysis, which it may lack."""

from typing import Any

from recipes.runs.stored import Stored


def part(stored: Stored, name: str) -> Any:
    """A part of the run folder, such as `"history"`; `None` where its file is not there, known to the manifest or not.

    Raises:
        ValueError: If the file is damaged.
    """
    try:
        return getattr(stored, name)
    except FileNotFoundError:
        return None


def intact_part(stored: Stored, name: str) -> Any:
    """A part of a run folder, such as `"history"`; `None` where it is missing or damaged."""
    try:
        return getattr(stored, name)
    except (OSError, ValueError):
        return None


def subject(stored: Stored, name: str) -> Any:
    """A subject of the analysis, such as `"groups"`; `None` where it was not analysed, or there is no report.

    Raises:
        ValueError: If the report is damaged.
    """
    return (part(stored, "analysis") or {}).get(name)


def basis_of(stored: Stored, name: str) -> dict[str, Any]:
    """Numbers of rows by part, and the score, on which a subject of the analysis is based; empty where not known."""
    return (subject(stored, "basis") or {}).get(name) or {}
