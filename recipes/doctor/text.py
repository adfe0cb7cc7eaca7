"""A diagnosis as text: one screen that a person likes to read, and the one line that a training prints."""

import shlex
import textwrap
from collections.abc import Sequence
from os import PathLike

import numpy as np

from recipes.arguments.names import printable
from recipes.doctor import outcome
from recipes.doctor.finding import FAULT, Finding
from recipes.doctor.seen import Seen

WIDTH, LINES = 100, 30
_MOST_EVIDENCE, _MOST_OTHERS = 6, 6
_LONGEST_LINE = 200  # characters
_LONGEST_SENTENCE = 400  # characters; names of layers and classes come from the user and may be of any length


def screen(findings: tuple[Finding, ...], seen: Seen) -> str:
    """The findings as text: the root cause, what shows it and what to change, then the others in a sentence each.

    Args:
        findings: Findings, the root cause first.
        seen: Facts that the findings were drawn from.
    """
    faults = [finding for finding in findings if finding.severity == FAULT]
    notes = [finding for finding in findings if finding.severity != FAULT]
    lines = _root(faults[0]) if faults else _healthy(seen)
    if errors := outcome.bias_variance(seen):
        # What to do about bias and variance shows once the training works.
        lines += ["", *_wrapped(str(errors) if faults else f"{errors} {errors.advice}")]
    consequences = faults[0].consequences if faults else ()
    for title, others in (("explained by this", consequences), ("also wrong", faults[1:]), ("worth knowing", notes)):
        room = LINES - len(lines) - 2  # below an empty line and the title
        if others and room > 0:
            lines += ["", f"{title}:", *_list(others, min(room, _MOST_OTHERS))]
    return "\n".join(lines)


def line(root: Finding, run: str | PathLike) -> str:
    """What is wrong in a run, in one line that names the command which tells more."""
    return f"{short_sentence(root)} `keras-recipes diagnose {shlex.quote(printable(run))}` tells more"


def score_name(seen: Seen) -> str:
    """Name of the scores of a course: `"R2"` for targets that are numbers, otherwise `"accuracy"`."""
    return "R2" if seen.data is not None and seen.data.targets.form == "numbers" else "accuracy"


def reached(seen: Seen) -> str:
    """What the training reached, and what simple models and chance reach, in sentences; empty without a training."""
    course, reference = seen.course, seen.reference
    if course is None:
        return ""
    held_out, training = _last(course.score), _last(course.train_score)
    rows = "held-out rows" if seen.data is None or seen.data.validation_rows else "training rows"
    epochs = f"{course.epochs:,} epoch{'' if course.epochs == 1 else 's'}"
    if held_out is None:
        return f"The model was trained for {epochs}."
    text = f"After {epochs}, the {score_name(seen)} on {rows} is {held_out:.3g}"
    if training is not None and rows != "training rows":
        text += f" ({training:.3g} on training rows)"
    if reference is None:
        return f"{text}."
    simple = [score for score in (reference.linear, reference.trees) if np.isfinite(score)]
    known = [f"simple models reach {max(simple):.3g}"] if simple else []
    if np.isfinite(reference.chance):
        constant = "the best constant prediction" if known else "the best constant prediction reaches"
        known.append(f"{constant} {reference.chance:.3g}")
    return f"{text}; {', '.join(known)}." if known else f"{text}."


def _root(root: Finding) -> list[str]:
    where = "" if root.layer is None else f", in layer {_name(root.layer)}"
    sure = "certain" if root.confidence >= 1 else f"with {root.confidence:.0%} confidence"
    lines = [f"root cause: {root.cause}{where}, {sure}", "", *_wrapped(sentence(root))]
    evidence = [part for item in root.evidence for part in _wrapped(str(item), indent=2)]
    if evidence:
        lines += ["", "what was seen:", *_limited(evidence, _MOST_EVIDENCE)]
    if root.remedy.strip():
        # Code is neither broken nor cut, so that it can be pasted.
        code = [f"  {printable(part)}".rstrip() for part in root.remedy.strip("\n").splitlines()]
        lines += ["", "what to change:", *code]
    return lines


def _healthy(seen: Seen) -> list[str]:
    lines = ["No fault was found."]
    if text := reached(seen):
        lines += ["", *_wrapped(text)]
    return lines


def _list(findings: Sequence[Finding], room: int) -> list[str]:
    """The findings in at most `room` lines, as many as fit, with the number of the others."""
    lines: list[str] = []
    for number, finding in enumerate(findings):
        text = f"{finding.cause}: {sentence(finding)}"
        entry = _wrapped(textwrap.shorten(text, 2 * WIDTH - 20, placeholder=" ..."), indent=2)
        is_last = number == len(findings) - 1
        if len(lines) + len(entry) + (not is_last) > room:
            return [*lines, f"  and {len(findings) - number} more"]
        lines += entry
    return lines


def _limited(lines: list[str], most: int) -> list[str]:
    """At most `most` lines, of which the last says how many are left out."""
    return lines if len(lines) <= most else [*lines[: most - 1], f"  and {len(lines) - most + 1} more"]


def short_sentence(finding: Finding) -> str:
    """The sentence of a finding, for one line of output."""
    return textwrap.shorten(sentence(finding), _LONGEST_LINE, placeholder=" ...")


def sentence(finding: Finding) -> str:
    """The sentence of a finding, with a capital letter and a full stop."""
    text = printable(finding.sentence.strip(), _LONGEST_SENTENCE)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "...")) else ".")


def _wrapped(text: str, indent: int = 0) -> list[str]:
    space = " " * indent
    text = printable(text, _LONGEST_SENTENCE)
    following = f"{space}  " if indent else ""
    return textwrap.wrap(text, WIDTH, initial_indent=space, subsequent_indent=following, break_on_hyphens=False)


def _name(layer: str) -> str:
    return printable(layer, 40)


def _last(scores: np.ndarray) -> float | None:
    """Last finite score; `None` without any."""
    finite = np.asarray(scores)[np.isfinite(scores)]
    return float(finite[-1]) if len(finite) else None
