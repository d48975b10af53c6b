"""What perse keeps, in SQLite or PostgreSQL: keys, sealed templates, ledger, receipts."""
