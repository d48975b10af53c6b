"""The HTTP side: the contract's wire, translated at this edge and nowhere else."""
