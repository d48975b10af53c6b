"""Weights: what is known of each network, where its file comes from, and how it gets here."""
