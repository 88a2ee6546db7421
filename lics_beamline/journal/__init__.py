"""The journal of a run: its documents at rest, exact and in order, written once, followed by everything else."""
