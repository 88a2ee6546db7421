"""From a plate to a pattern and what is in it: files, geometry, integration, peaks, phases and their cells."""
