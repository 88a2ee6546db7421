"""Experiments short enough for tests: the paper's sample and cell, and the legs that a test asks for."""

HEAD = """
title = "{title}"
operator = "tester"
proposal = "T-1"
[sample]
name = "Li-Cs"
composition = "LiCs"
phases = {phases}
[cell]
kind = "membrane diamond-anvil cell"
culet_um = 350
[gasket]
material = "Re"
[exposure]
time_s = {time_s}
oscillation_deg = 6
"""
AS_LOADED = """
[[legs]]
kind = "hold"
name = "as loaded"
temperature_k = 298
"""


def experiment(*legs: str, title: str, time_s: int = 120, phases: str = '["cs-bcc", "alloy"]') -> str:
    """Return the text of an experiment file."""
    return HEAD.format(title=title, time_s=time_s, phases=phases) + "".join(legs)


def pressure(*gpa: float, stroke: str = "upstroke", temperature_k: float = 298) -> str:
    """Return a leg that brings the cell to pressures [GPa] at a temperature [K]."""
    name = {"upstroke": "up", "downstroke": "down"}[stroke]
    return f"""
[[legs]]
kind = "pressure"
name = "{name}"
stroke = "{stroke}"
temperature_k = {temperature_k}
pressures_gpa = {list(gpa)}
"""


def heating(*kelvin: float, rate: float = 10, soak_s: float = 90) -> str:
    """Return a leg that brings the cell to temperatures [K] at a rate [K/min]."""
    return f"""
[[legs]]
kind = "heating"
name = "heat"
temperatures_k = {list(kelvin)}
ramp_rate_k_per_min = {rate}
soak_s = {soak_s}
"""
