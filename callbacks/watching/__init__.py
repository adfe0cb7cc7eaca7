"""What the watching callbacks share: the hook into a compiled step, what is measured, the record."""
