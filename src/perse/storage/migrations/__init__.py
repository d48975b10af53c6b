"""The schema's history, one file a step; applied at start."""
