"""Images that were reduced by themselves, in the layouts of a reduced run: points without pressure and temperature."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lics_beamline.exports.columns import Layout, write_chi, write_pattern
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.patterns.pattern import Pattern


def image_run(patterns: Iterable[tuple[str, Pattern]], geometry: Geometry) -> ReducedRun:
    """Return images as the points of a run that has nothing but patterns.

    Parameters
    ----------
    patterns : iterable of (str, Pattern)
        Name of each image, which its files will have, and what came of it.
    geometry : Geometry
        They were reduced with.
    """
    return ReducedRun(
        start={
            "uid": "images",
            "raw_uid": "",
            "wavelength_angstrom": geometry.wavelength_angstrom,
            "recipe": {"geometry": {"poni": geometry.poni}},
            "recipe_digest": "",
        },
        points=tuple(_point(index, name, pattern) for index, (name, pattern) in enumerate(patterns)),
    )


def _point(index: int, name: str, pattern: Pattern) -> ReducedPoint:
    return ReducedPoint(
        index=index,
        exposure_uid=name,
        leg="",
        stroke="",
        requested_pressure_gpa=math.nan,
        requested_temperature_k=math.nan,
        pressure_gpa=math.nan,
        pressure_sigma_gpa=math.nan,
        pressure_systematic_gpa=math.nan,
        ruby_r1_nm=math.nan,
        ruby_r1_sigma_nm=math.nan,
        ruby_temperature_k=math.nan,
        temperature_k=math.nan,
        load_bar=math.nan,
        two_theta_deg=pattern.two_theta_deg,
        intensity=pattern.intensity,
        intensity_sigma=pattern.sigma,
        graininess=pattern.two_theta_deg * math.nan,
        phases=(),
        unknown_d_angstrom=(),
        reduced=True,
        note="",
        image=name,
    )


def write_image_pattern(
    path: Path, pattern: Pattern, said: Sequence[str], *, layout: Layout = "xye", unit: str = "2theta"
) -> Path:
    """Write the pattern of one image in columns.

    Parameters
    ----------
    path : Path
        The file.
    pattern : Pattern
        What came of the image.
    said : sequence of str
        Comment lines; the first is the title of a ``.chi``.
    layout : {"xy", "xye", "chi"}
        Two columns, three, or two below the heading of FIT2D, which are always over 2theta.
    unit : {"2theta", "q", "d"}
        First column: 2theta [deg], q [1/angstrom] or d [angstrom].
    """
    if layout == "chi":
        return write_chi(path, (pattern.two_theta_deg, pattern.intensity), said[0])
    axis = {
        "2theta": pattern.two_theta_deg,
        "q": 4.0 * np.pi / pattern.wavelength_angstrom * np.sin(np.radians(pattern.two_theta_deg) / 2.0),
        "d": pattern.d_angstrom,
    }[unit]
    columns = (axis, pattern.intensity, pattern.sigma)
    return write_pattern(path, columns[:2] if layout == "xy" else columns, said, unit=unit)
