"""One-dimensional patterns, from this program and from any other."""
