"""Calibration from a frame: hidden geometries of the simulators, drawn frames that lack something, a real frame."""

import math

import numpy as np
import pytest
from worlds.calibrant_world import WAVELENGTH, drawn_frame, hidden_geometry, simulated_plate

from lics_beamline.calibration.calibrant import find_calibrant
from lics_beamline.calibration.calibration import calibrate
from lics_beamline.calibration.calibration_refusal import judge_beam
from lics_beamline.errors import CalibrationRefused
from lics_beamline.frames.frame import FrameSeries
from lics_beamline.frames.orientation import oriented
from lics_beamline.geometry.detector_plane import DetectorPlane
from lics_beamline.geometry.geometry import Geometry, flat_geometry
from lics_beamline.reduction.image import reduce_image
from lics_beamline.units import HC_KEV_ANGSTROM

CERIA = find_calibrant("CeO2")
PLATE = flat_geometry(distance_mm=350.0, wavelength_angstrom=WAVELENGTH, shape=(3000, 3000), pixel_mm=0.1)
SMALL = flat_geometry(distance_mm=350.0, wavelength_angstrom=WAVELENGTH, shape=(750, 750), pixel_mm=0.4)
LEAN = (0.004, -0.009)
LEAN_DEG = math.degrees(math.atan(math.hypot(*LEAN)))
# HEXRD's instrument file beside the real frame: 61.3323 keV, translation -6.5065, -5.4910, -739.779 mm; 172 um pixels.
PILATUS = flat_geometry(
    distance_mm=739.779,
    wavelength_angstrom=HC_KEV_ANGSTROM / 61.3323,
    shape=(1679, 1475),
    pixel_mm=0.172,
    centre_px=(1679 / 2 + 5.4910 / 0.172, 1475 / 2 + 6.5065 / 0.172),
)


def assert_found(calibration, *, distance_mm, beam_mm, tilt_deg, within_mm, within_beam_mm, within_deg):
    plane = calibration.geometry.plane
    assert plane.beam_distance_mm == pytest.approx(distance_mm, abs=within_mm)
    assert (plane.beam1_mm, plane.beam2_mm) == pytest.approx(beam_mm, abs=within_beam_mm)
    assert plane.tilt_deg == pytest.approx(tilt_deg, abs=within_deg)


# whose votes for the centre fall farthest from it
@pytest.mark.parametrize("seed", [29, pytest.param(40, marks=pytest.mark.long)])
def test_a_hidden_geometry_is_found_without_a_hand(seed):
    hidden = hidden_geometry(seed)
    calibration = calibrate(simulated_plate(hidden, seed=seed), CERIA, PLATE, saturation_counts=262_136)
    assert_found(
        calibration,
        distance_mm=hidden.distance_mm,
        beam_mm=(0.1 * hidden.beam_row_px, 0.1 * hidden.beam_column_px),
        tilt_deg=hidden.tilt_deg,
        within_mm=0.005,
        within_beam_mm=0.005,
        within_deg=0.005,
    )
    assert 0.0 < calibration.sigma["beam_distance_mm"] < 0.005


@pytest.fixture(scope="module")
def real_frame(measured_data):
    return measured_data / "ceo2-pilatus2m" / "ceria_50x30_740mm_000005_Pilatus2M.hdf5"


@pytest.fixture(scope="module")
def real_calibration(real_frame):
    return calibrate(FrameSeries(real_frame).frame(1).counts, CERIA, PILATUS.oriented(2))


def test_the_first_ten_spacings_of_a_real_ceria_frame_are_certified_ones(real_frame, real_calibration):
    reduced = reduce_image(real_frame, real_calibration.geometry, bins=1500)
    found = np.array([peak.d_angstrom for peak in reduced.peaks])
    for line in CERIA.lines(real_calibration.geometry.wavelength_angstrom)[:10]:
        assert found[np.abs(found - line.d_angstrom).argmin()] == pytest.approx(line.d_angstrom, abs=1e-3)


def test_a_real_frame_gives_the_geometry_its_beamline_found(real_calibration):
    plane = real_calibration.geometry.plane
    assert plane.beam_distance_mm == pytest.approx(739.779, abs=0.1)
    assert plane.beam1_mm == pytest.approx(0.172 * 1679 / 2 + 5.4910, abs=0.1)
    assert plane.beam2_mm == pytest.approx(0.172 * 1475 / 2 + 6.5065, abs=0.1)


def test_a_real_frame_fed_unflipped_is_refused_with_the_flip_that_indexes_it(real_frame):
    with pytest.raises(CalibrationRefused, match="flipped up-down: it is orientation 2") as refused:
        calibrate(FrameSeries(real_frame).frame(1).counts, CERIA, PILATUS)
    assert refused.value.facts["orientation"] == 2


@pytest.mark.long
def test_rings_of_another_calibrant_are_refused(real_frame):
    with pytest.raises(CalibrationRefused, match="calibrant"):
        calibrate(FrameSeries(real_frame).frame(1).counts, find_calibrant("LaB6"), PILATUS.oriented(2))


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_orientations_are_those_of_pyfai(orientation):
    from pyFAI.detectors import Detector

    image = np.arange(12.0).reshape(3, 4)
    detector = Detector(1e-4, 1e-4, max_shape=(3, 4), orientation=orientation)
    p1, p2, _ = detector.calc_cartesian_positions()
    upright = np.zeros_like(image)
    upright[np.rint(p1 * 1e4 - 0.5).astype(int), np.rint(p2 * 1e4 - 0.5).astype(int)] = image
    assert np.array_equal(oriented(image, orientation), upright)
    assert np.array_equal(oriented(upright, orientation), image)


def test_a_beam_beyond_the_edge_is_found_from_the_rings_that_are_left():
    beam_mm = (-25.0, 140.0)
    frame = drawn_frame(beam_mm=beam_mm, distance_mm=330.0, lean=LEAN)
    calibration = calibrate(frame, CERIA, SMALL)
    assert_found(
        calibration,
        distance_mm=330.0,
        beam_mm=beam_mm,
        tilt_deg=LEAN_DEG,
        within_mm=6 * calibration.sigma["beam_distance_mm"],
        within_beam_mm=0.2,
        within_deg=6 * calibration.sigma["tilt_deg"],
    )
    assert calibration.sigma["beam_distance_mm"] < 0.2


@pytest.mark.long
def test_spots_a_shadow_dead_modules_and_a_bright_stop_move_nothing():
    beam_mm = (153.0, 147.5)
    frame = drawn_frame(beam_mm=beam_mm, distance_mm=365.0, lean=LEAN)
    draw = np.random.default_rng(7)
    for row, column in draw.integers(20, 730, (150, 2)):
        frame[row - 1 : row + 2, column - 1 : column + 2] += 200_000
    frame[:, 480:560] = (0.25 * frame[:, 480:560]).astype(np.int32)  # gasket
    frame[180:190] = -1  # gap
    frame[:, 240:250] = -1
    frame[500:640, 100:220] = -1  # module
    rows, columns = np.ogrid[:750, :750]
    frame[np.hypot(0.4 * rows - beam_mm[0], 0.4 * columns - beam_mm[1]) < 12.0] = 262_136
    calibration = calibrate(frame, CERIA, SMALL, saturation_counts=262_136)
    assert_found(
        calibration,
        distance_mm=365.0,
        beam_mm=beam_mm,
        tilt_deg=LEAN_DEG,
        within_mm=0.05,
        within_beam_mm=0.02,
        within_deg=0.02,
    )


@pytest.mark.long
def test_a_free_wavelength_is_found_with_the_distance_and_its_error():
    start = SMALL.moved(SMALL.plane, wavelength_angstrom=WAVELENGTH * 1.0005)
    frame = drawn_frame(beam_mm=(150.0, 151.0), distance_mm=240.0, strength=400.0)
    calibration = calibrate(frame, CERIA, start, free_wavelength=True)
    sigma = calibration.sigma["wavelength_angstrom"]
    assert calibration.geometry.wavelength_angstrom == pytest.approx(WAVELENGTH, abs=5 * sigma)
    assert sigma < 2e-4 * WAVELENGTH


@pytest.fixture(scope="module")
def panels_out_of_line():
    """Ceria on four panels leaning by 6 degrees, two of them a pixel out of line, with gaps between them."""
    frame = drawn_frame(beam_mm=(150.0, 150.0), lean=(math.tan(math.radians(6.0)), 0.0))
    panels = frame.copy()
    panels[:375, 375:] = np.roll(frame[:375, 375:], 1, axis=0)
    panels[375:, :375] = np.roll(frame[375:, :375], 1, axis=1)
    panels[365:385] = -1
    panels[:, 365:385] = -1
    return panels


def leaning(distance_mm):
    plane = DetectorPlane.through(
        beam1_mm=150.3, beam2_mm=149.8, beam_distance_mm=distance_mm, rot2_rad=math.radians(5.8)
    )
    return SMALL.moved(plane)


@pytest.mark.long
def test_panels_out_of_line_are_refined_from_a_good_start_and_that_is_said(panels_out_of_line):
    calibration = calibrate(panels_out_of_line, CERIA, leaning(350.5))
    assert_found(
        calibration,
        distance_mm=350.0,
        beam_mm=(150.0, 150.0),
        tilt_deg=6.0,
        within_mm=0.4,  # a pixel, by which two panels are out of line
        within_beam_mm=0.4,
        within_deg=0.1,
    )
    (note,) = calibration.notes
    assert "refined from the start that was given" in note
    assert "panels out of line or a distorted image" in note


def test_panels_out_of_line_are_refused_from_a_start_that_is_ten_percent_off(panels_out_of_line):
    with pytest.raises(CalibrationRefused, match="shows no rings"):
        calibrate(panels_out_of_line, CERIA, leaning(385.0))


def judged(*, start_mm, orientation=3, found_mm=(151.5, 151.0), beam_is_known=True):
    """Judge rings about a place on a frame of 300 mm against a start that has the beam at another."""
    start = flat_geometry(
        distance_mm=350.0,
        wavelength_angstrom=WAVELENGTH,
        shape=(750, 750),
        pixel_mm=0.4,
        centre_px=(start_mm[0] / 0.4, start_mm[1] / 0.4),
        orientation=orientation,
    )
    plane = DetectorPlane.through(beam1_mm=found_mm[0], beam2_mm=found_mm[1], beam_distance_mm=350.0)
    return judge_beam(start, plane, (750, 750), (0.4, 0.4), beam_is_known=beam_is_known)


def test_a_flip_that_leaves_hundredths_of_millimetres_is_refused_by_name():
    with pytest.raises(CalibrationRefused, match="flipped up-down: it is orientation 2") as refused:
        judged(start_mm=(148.49, 151.0))
    assert refused.value.facts["asked_mm"] == pytest.approx(3.01)
    (note,) = judged(start_mm=(148.49, 151.0), beam_is_known=False)
    assert "the image may be flipped up-down" in note


@pytest.mark.parametrize("start_mm", [(150.0, 150.0), (147.2, 148.8), (151.1, 151.0), (148.0, 151.0)])
def test_a_start_off_by_millimetres_that_no_flip_explains_thirty_times_better_is_not_refused(start_mm):
    assert "taken on trust" in judged(start_mm=start_mm)[-1]


def test_noise_is_refused():
    frame = np.random.default_rng(1).poisson(30.0, (750, 750)).astype(np.int32)
    with pytest.raises(CalibrationRefused):
        calibrate(frame, CERIA, SMALL)


def test_two_rings_are_too_few():
    frame = drawn_frame(beam_mm=(150.0, 150.0), distance_mm=1150.0)
    start = SMALL.moved(SMALL.plane.through(beam1_mm=150.0, beam2_mm=150.0, beam_distance_mm=1100.0))
    with pytest.raises(CalibrationRefused):
        calibrate(frame, CERIA, start)


def test_a_frame_of_another_shape_is_refused():
    with pytest.raises(CalibrationRefused, match="750 x 750"):
        calibrate(np.zeros((600, 600), dtype=np.int32), CERIA, SMALL)


@pytest.mark.parametrize(
    ("name", "shape", "said"), [("Aarhus", (1000, 16000), "is bent"), ("ImXPadS10", (120, 80), "several sizes")]
)
def test_a_detector_that_is_no_plane_of_equal_pixels_is_refused_by_name(name, shape, said):
    start = Geometry(poni=f"Detector: {name}\nDistance: 0.3\nPoni1: 0.01\nPoni2: 0.01\nWavelength: 7e-11")
    with pytest.raises(CalibrationRefused, match=f"{name} .*{said}"):
        calibrate(np.zeros(shape, dtype=np.int32), CERIA, start)
