"""One finding of the doctor: the cause, how sure it is, the numbers that show it, and what to change."""

from dataclasses import dataclass
from typing import Any

from recipes.doctor.causes import CAUSES

FAULT, NOTE = "fault", "note"


@dataclass(frozen=True)
class Evidence:
    """One number that was seen, and the bound that it crossed.

    Attributes:
        what: What was measured, a noun phrase with its unit, such as "standard deviation of column 3".
        value: Value that was seen: a number, or a short text.
        bound: What is allowed, such as "0.1 to 10" or "at most 1"; empty where the value speaks for itself.
    """

    what: str
    value: float | str
    bound: str = ""

    def __str__(self):
        value = self.value if isinstance(self.value, str) else f"{self.value:,.4g}"
        return f"{self.what}: {value}" + (f" (expected: {self.bound})" if self.bound else "")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a training, or worth knowing about it.

    Attributes:
        cause: Id of the cause, a key of `recipes.doctor.causes.CAUSES`.
        severity: `"fault"` where it keeps the training from working, otherwise `"note"`.
        sentence: What is wrong and what follows from it, one sentence.
        evidence: Numbers that were seen, with the bounds that they crossed.
        remedy: What to change, as code to paste.
        layer: Name of the layer in question; `None` where it is about no single layer.
        confidence: Probability that the finding is right, from 0 to 1; 1 for a contradiction.
        consequences: Findings that this one explains.
    """

    cause: str
    severity: str
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    remedy: str = ""
    layer: str | None = None
    confidence: float = 1.0
    consequences: tuple["Finding", ...] = ()

    def __post_init__(self):
        if self.cause not in CAUSES:
            raise ValueError(f"`cause` must be one of {', '.join(CAUSES)}. Received: {self.cause!r}")
        if self.severity not in (FAULT, NOTE):
            raise ValueError(f"`severity` must be {FAULT!r} or {NOTE!r}. Received: {self.severity!r}")

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain values, for JSON."""
        evidence = [{"what": part.what, "value": part.value, "bound": part.bound} for part in self.evidence]
        consequences = [part.to_dict() for part in self.consequences]
        return {**vars(self), "evidence": evidence, "consequences": consequences}
