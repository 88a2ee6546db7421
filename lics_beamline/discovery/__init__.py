"""Phases that nobody named: their lines followed from point to point, grouped, and told as one."""
