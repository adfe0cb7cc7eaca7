"""The doctor: what was seen of a training -> findings, the root cause first."""
