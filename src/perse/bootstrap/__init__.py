"""The composition root: from settings to running services. It wires and does nothing else."""
