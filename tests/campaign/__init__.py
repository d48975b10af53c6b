"""Hostile inputs by the million, and fuzzing that follows coverage: too long for the test suite."""
