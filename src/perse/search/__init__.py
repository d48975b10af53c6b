"""Finding somebody among many: an exact search in memory."""
