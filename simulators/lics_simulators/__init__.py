"""A simulated high-pressure beamline behind real Channel Access: one hidden world, one soft IOC an instrument.

Another program than ``lics_beamline``: the two speak through PVs and plate files only and import nothing of each
other.
"""
