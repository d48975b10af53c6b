"""API keys and session tokens."""
