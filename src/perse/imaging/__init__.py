"""Resizing and cutting pixels without aliasing, for networks and for metrics alike."""
