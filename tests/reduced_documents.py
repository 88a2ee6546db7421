"""A small reduced run as documents, for tests of what is made of one."""

import math

import numpy as np

BINS = 400
PONI = """poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 1e-4, "pixel2": 1e-4, "max_shape": [3000, 3000], "orientation": 2}
Distance: 0.35
Poni1: 0.15
Poni2: 0.15
Rot1: 0
Rot2: 0
Rot3: 0
Wavelength: 4.1373e-11
"""


def data(index, *, reduced=True, stroke="upstroke", a=3.55):
    two_theta = np.linspace(5.0, 17.0, BINS)
    intensity = 100.0 + 400.0 * np.exp(-(((two_theta - 9.36) / 0.05) ** 2))
    nothing = np.full(BINS, math.nan)
    return {
        "point_index": index,
        "leg": "298 K upstroke",
        "stroke": stroke,
        "exposure_uid": f"e{index}",
        "experiment_time_s": 10.0,
        "requested_pressure_gpa": math.nan if stroke == "heating" else 3.0,
        "requested_temperature_k": 298.0,
        "load_bar": 24.0,
        "temperature_k": 298.1,
        "pressure_gpa": 3.01 + index,
        "pressure_sigma_gpa": 0.002,
        "pressure_systematic_gpa": 0.05,
        "ruby_r1_nm": 695.0,
        "ruby_r1_sigma_nm": 0.001,
        "ruby_temperature_k": 298.1,
        "two_theta_deg": two_theta if reduced else nothing,
        "intensity": intensity if reduced else nothing,
        "intensity_sigma": np.sqrt(intensity) if reduced else nothing,
        "graininess": np.where(np.abs(two_theta - 9.36) < 0.06, 0.024, math.nan),
        "rejected_fraction": 0.001,
        "alloy_a_angstrom": a if reduced else math.nan,
        "alloy_a_sigma_angstrom": 0.0004,
        "alloy_scale": 1.0,
        "alloy_scale_sigma": 0.1,
        "alloy_fraction": 1.0,
        "alloy_fraction_sigma": 0.0,
        "re_hcp_a_angstrom": 2.75,
        "re_hcp_a_sigma_angstrom": 0.0003,
        "re_hcp_c_angstrom": 4.44,
        "re_hcp_c_sigma_angstrom": 0.0005,
        "re_hcp_scale": 0.01,
        "re_hcp_scale_sigma": 0.001,
        "phases": "" if not reduced else "re-hcp" if math.isnan(a) else "alloy,re-hcp",
        "unknown_peaks": 0,
        "unknown_d_angstrom": "",
        "reduced": reduced,
        "note": "" if reduced else "plate file torn",
    }


def documents(points, purpose="reduction"):
    start = {
        "uid": "d-0123456789",
        "purpose": purpose,
        "raw_uid": "raw-0123",
        "recipe_digest": "abcdef0123",
        "wavelength_angstrom": 0.41373,
        "sample": {"name": "Li-Cs"},
        "title": "a title",
        "time": 1.7e9,
        "profile": {"name": "simulated"},
        "recipe": {"geometry": {"poni": PONI}, "frames": {"bins": BINS, "polarisation": 0.99}},
    }
    yield "start", start
    yield "descriptor", {"uid": "s", "name": "primary"}
    for point in points:
        yield "event", {"descriptor": "s", "data": point}
