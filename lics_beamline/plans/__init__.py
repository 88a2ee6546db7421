"""What the devices do together: a path through pressure and temperature, walked, measured and recorded."""
