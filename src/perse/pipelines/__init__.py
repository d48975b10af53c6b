"""Use cases. They know the domain and their ports; no network, no SQL, no HTTP."""
