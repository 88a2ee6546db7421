"""Structures of phases that nobody named: contents, sites and elements, ranked by refinement."""
