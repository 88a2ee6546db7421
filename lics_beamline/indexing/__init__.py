"""Lattices of lines: searched, judged, and told from their rivals."""
