"""Untrusted bytes become samples here, within limits."""
