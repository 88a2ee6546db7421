"""A reduced run along the paper's path as documents, its cells by formula and its patterns empty."""

import math

import numpy as np
from reduced_documents import PONI, data

from lics_beamline.phases.phase import default_phases
from lics_beamline.physics.equation_of_state import EquationOfState
from lics_beamline.physics.ruby import RubyRuler

REFERENCE_NM = 694.25
# Vinet through the printed cells of Desgreniers et al. (2015) and a thermal pressure that makes alpha_V about 1.7e-4/K.
ALLOY = EquationOfState(
    volume0_angstrom3=49.1134,
    bulk_modulus_gpa=36.0,
    bulk_modulus_slope=6.0,
    thermal_pressure_gpa_per_k=8.2e-3,
)
COLD_GPA = (2.9, 3.1, 3.4, 4.0, 4.8, 5.5, 6.5, 8.0)
HOT_GPA = (9.0, 8.0, 6.5, 5.0, 4.0, 3.0, 2.2, 1.9)


def point(index, gpa, kelvin, leg, stroke, *, seed=0, found=True):
    """One point: what a reduction says of it."""
    generator = np.random.default_rng([seed, index])
    a = ALLOY.volume_angstrom3(gpa, kelvin) ** (1 / 3) + generator.normal(0.0, 1e-4)
    return data(index, a=a if found else math.nan, stroke=stroke) | {
        "leg": leg,
        "exposure_uid": f"e{index}",
        "pressure_gpa": gpa + generator.normal(0.0, 0.002),
        "pressure_sigma_gpa": 0.002,
        "pressure_systematic_gpa": 0.1 if kelvin < 400 else 0.19,
        "ruby_r1_nm": RubyRuler(reference_wavelength_nm=REFERENCE_NM).wavelength_nm(gpa, kelvin),
        "ruby_temperature_k": kelvin,
        "temperature_k": kelvin,
        "requested_temperature_k": kelvin,
        "alloy_a_sigma_angstrom": 1e-4,
        "alloy_fraction": 1.0 if found else 0.0,
    }


def points(seed=0):
    """The path: up at 298 K, heated at 8 GPa, down at 495 K until the alloy is gone."""
    cold = [(2.6, 298.0, "298 K upstroke", "upstroke", False)]
    cold += [(gpa, 298.0, "298 K upstroke", "upstroke", True) for gpa in COLD_GPA]
    heated = [(8.4 + 0.39 * n, 298.0 + 49.25 * (n + 1), "heating", "heating", True) for n in range(4)]
    hot = [(gpa, 495.0, "498 K downstroke", "downstroke", True) for gpa in HOT_GPA]
    gone = [(1.5, 495.0, "498 K downstroke", "downstroke", False)]
    return [
        point(index, gpa, kelvin, leg, stroke, seed=seed, found=found)
        for index, (gpa, kelvin, leg, stroke, found) in enumerate(cold + heated + hot + gone)
    ]


def documents(seed=0, *, phases=None, made=None):
    """The documents of the reduced run."""
    recipe = {
        "geometry": {"poni": PONI},
        "frames": {"bins": 400, "polarisation": 0.99},
        "ruby": {"reference_wavelength_nm": REFERENCE_NM, "reference_temperature_k": 298.0},
        "phases": [phase.model_dump(mode="json") for phase in phases or default_phases()],
    }
    start = {
        "uid": "d-0123456789",
        "purpose": "reduction",
        "raw_uid": "raw-0123",
        "recipe_digest": "abcdef0123",
        "wavelength_angstrom": 0.41373,
        "sample": {"name": "Li-Cs"},
        "title": "a title with <angles>",
        "time": 1.7e9,
        "profile": {"name": "simulated"},
        "versions": {"lics_beamline": "0.1.0"},
        "recipe": recipe,
    }
    yield "start", start
    yield "descriptor", {"uid": "s", "name": "primary", "run_start": start["uid"]}
    made = points(seed) if made is None else made
    for each in made:
        yield "event", {"uid": f"event {each['point_index']}", "descriptor": "s", "data": each}
    yield (
        "stop",
        {"uid": "end", "run_start": start["uid"], "exit_status": "success", "num_events": {"primary": len(made)}},
    )
