"""Scripts that print figures, for a machine that does nothing else."""
