"""Instruments of the beamline over EPICS: each reads and moves one thing; ``Beamline`` is the frozen set of them."""
