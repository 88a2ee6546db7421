"""Geometries: found with a calibrant, kept, and exchanged with other programs."""
