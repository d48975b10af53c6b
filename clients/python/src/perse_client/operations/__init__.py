"""The operations of the API, described: what each takes, what it answers. Nothing is sent here."""
