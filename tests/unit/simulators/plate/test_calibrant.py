"""The geometry shipped with the simulated beamline is what a calibration finds on a plate of CeO2.

The plate is rendered whole, as the reader would deliver it; pyFAI is the judge, and the simulator does not use it.
"""

from pathlib import Path

import numpy as np
import pyFAI
import pytest
from pyFAI.calibrant import get_calibrant
from pyFAI.detectors import Detector
from pyFAI.geometry import Geometry
from pyFAI.goniometer import SingleGeometry
from scipy.optimize import curve_fit

from lics_simulators.plate.frame import PlateModel
from lics_simulators.plate.scene import Light
from lics_simulators.plate.settings import read_settings
from lics_simulators.world import World

PONI = Path(__file__).parents[4] / "profiles" / "simulated" / "geometry.poni"
WAVELENGTH = 0.41373  # angstrom
A_CERIA = 5.411651  # angstrom, NIST SRM 674b certificate
FIRST_TEN = (3, 4, 8, 11, 12, 16, 19, 20, 24, 27)  # h^2 + k^2 + l^2 of the face-centred lattice
FREE = ("dist", "poni1", "poni2", "rot1", "rot2")


@pytest.fixture(scope="module")
def plate():
    world = World(seed=1, preset="ceo2")
    model = PlateModel(read_settings(), WAVELENGTH)
    stored = model.stored_counts(Light(sample=world.sample_state(), exposures=1.0), random=world.random, count=0)
    return model.read_counts(stored, remaining=np.ones(stored.shape[0]))


def peak(x, height, centre, width, level, slope):
    return height * np.exp(-4 * np.log(2) * ((x - centre) / width) ** 2) + level + slope * (x - centre)


def spacings(plate, geometry):
    """Fitted d of the first ten rings of a plate, integrated with a geometry [angstrom]."""
    pattern = geometry.integrate1d(
        plate.astype(np.float32),
        6000,
        unit="2th_deg",
        method=("no", "histogram", "cython"),
        polarization_factor=0.99,
    )
    found = []
    for n in FIRST_TEN:
        about = 2 * np.degrees(np.arcsin(WAVELENGTH * np.sqrt(n) / (2 * A_CERIA)))
        near = np.abs(pattern.radial - about) < 0.07
        x, y = pattern.radial[near], pattern.intensity[near]
        fitted, _ = curve_fit(peak, x, y, (np.ptp(y), about, 0.06, y.min(), 0.0))
        found.append(WAVELENGTH / (2 * np.sin(np.radians(fitted[1] / 2))))
    return np.array(found)


@pytest.mark.long
def test_the_shipped_geometry_puts_the_rings_of_ceria_where_they_belong(plate):
    expected = A_CERIA / np.sqrt(FIRST_TEN)
    assert np.abs(spacings(plate, pyFAI.load(str(PONI))) - expected).max() < 1e-3


def test_the_shipped_geometry_is_not_the_truth():
    truth, found = read_settings().geometry, pyFAI.load(str(PONI)).getFit2D()
    assert 1e-4 < abs(found["directDist"] - truth.distance_mm) < 0.05


@pytest.mark.long
def test_a_calibration_from_the_nominal_geometry_finds_the_shipped_one(plate):
    detector = Detector(1e-4, 1e-4, max_shape=plate.shape, orientation=3)
    calibrant = get_calibrant("CeO2")
    calibrant.wavelength = WAVELENGTH * 1e-10
    geometry = Geometry(dist=0.35, poni1=0.15, poni2=0.15, detector=detector, wavelength=WAVELENGTH * 1e-10)
    for rings, density in ((6, 0.6), (16, 1.0)):
        single = SingleGeometry("ceria", plate.astype(float), calibrant=calibrant, detector=detector, geometry=geometry)
        single.extract_cp(max_rings=rings, pts_per_deg=density)
        single.geometry_refinement.refine2(fix=["wavelength", "rot3"])
        found = {name: getattr(single.geometry_refinement, name) for name in FREE}
        geometry = Geometry(**found, detector=detector, wavelength=WAVELENGTH * 1e-10)
    again, shipped = geometry.getFit2D(), pyFAI.load(str(PONI)).getFit2D()
    assert again["directDist"] == pytest.approx(shipped["directDist"], abs=0.03)  # mm
    assert (again["centerX"], again["centerY"]) == pytest.approx((shipped["centerX"], shipped["centerY"]), abs=0.05)
    assert again["tilt"] == pytest.approx(shipped["tilt"], abs=0.01)
