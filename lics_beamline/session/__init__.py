"""A session at the beamline: devices, engine, journal and followers together, and what a person may ask meanwhile."""
