"""Pages for a browser. They call the public API only."""
