"""Frames that other programs recorded, with a table of their pressures and temperatures, become a run."""
