"""Decisions: pure steps from state, reading and time to a command. Nothing here knows bluesky, a device or a file."""
