"""Where a detector stands: distance, beam, tilt and pixels, as PONI files say it."""
