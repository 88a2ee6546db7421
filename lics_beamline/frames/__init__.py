"""Frames as detectors and files have them: read, oriented, masked, and what an image plate does to them."""
