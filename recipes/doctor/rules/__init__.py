"""The rules: each a pure function of what was seen, which returns a finding or nothing."""
