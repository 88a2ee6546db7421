"""Automated high-pressure powder diffraction: sweep pressure and temperature, record, reduce live, replay."""

__version__ = "0.1.0"
