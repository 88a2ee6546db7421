"""A reduced run, as files for people and for other programs. Reads documents only."""
