"""From a frame to a pattern: ring means, spots, shadows, and how grainy a ring is."""
