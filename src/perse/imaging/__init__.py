"""Resizing, cutting and measuring pixels without aliasing, for networks and for metrics alike."""
