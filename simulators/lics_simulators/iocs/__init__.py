"""Soft IOCs: one group of PVs an instrument, which shows a part of the world and passes commands to it."""
