"""The run folder: making it, writing it, reading it."""
