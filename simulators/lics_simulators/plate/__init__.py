"""The image plate and the light that falls on it: phases to rings, rings to photons, photons to an R-AXIS file."""
