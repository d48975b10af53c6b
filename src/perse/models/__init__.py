"""Networks: how they are found, opened and asked."""
