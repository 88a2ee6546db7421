"""Drawn cells, plates, rubies and alloys that several tests share; each says its seed and has a truth to score by."""
