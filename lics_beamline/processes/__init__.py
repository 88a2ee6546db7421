"""What processes beside the session share: how they are started, told to end and left alone, and say how they fare."""
