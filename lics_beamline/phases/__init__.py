"""Known phases, and which of them a pattern shows: cells, shares and the evidence."""
