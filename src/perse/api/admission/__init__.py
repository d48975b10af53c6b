"""Who gets in, and whose turn it is: credentials, limits, memory, workers."""
