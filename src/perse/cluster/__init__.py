"""Several machines that work together: the connection to Ray."""
