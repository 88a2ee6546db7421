"""Two phases that come and go together: told as one, then parted by how they shrink; or honestly left together."""

import math

import numpy as np
import pytest

from lics_beamline.discovery.joint_phase import parted_phase
from lics_beamline.discovery.point_lines import PointLines, SeenLine
from lics_beamline.discovery.survey import Survey
from lics_beamline.indexing.indexed_lattice import Indexing
from lics_beamline.indexing.indexing import index_lines
from lics_beamline.lines.peaks import Peak

WAVELENGTH_ANGSTROM = 0.41373
RANGE_DEG = (4.0, 20.0)
PRESSURES_GPA = (2.2, 2.6, 3.0, 3.4, 3.8, 4.2)
ERROR_DEG = 0.001
APART_DEG = 0.05  # of two lines that are seen as two
CUBE = (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12)
FACE_CENTRED = (3, 4, 8, 11, 12, 16, 19, 20)


def edge(a, compressibility, gpa):
    return a * (1.0 - compressibility * (gpa - PRESSURES_GPA[0]))


def peak(angle):
    theta = math.radians(angle) / 2.0
    d = WAVELENGTH_ANGSTROM / 2.0 / math.sin(theta)
    return Peak(
        two_theta_deg=angle,
        two_theta_sigma_deg=ERROR_DEG,
        d_angstrom=d,
        d_sigma_angstrom=d / math.tan(theta) * math.radians(ERROR_DEG) / 2.0,
        height=100.0,
        height_sigma=1.0,
        area=6.0,
        fwhm_deg=0.03,
        mixing=0.5,
        background=1.0,
    )


def surveyed_phase(*spacings_at):
    """Return the one unknown phase that a sweep of lines is told as; nothing but that comes at its second point."""
    rng = np.random.default_rng(7)
    survey = Survey()
    for number, gpa in enumerate((PRESSURES_GPA[0] - 0.4, *PRESSURES_GPA), 1):
        spacings = [d for at in spacings_at for d in at(gpa)] if number > 1 else []
        angles = sorted(2.0 * math.degrees(math.asin(WAVELENGTH_ANGSTROM / 2.0 / d)) for d in spacings)
        kept = [a for n, a in enumerate(angles) if n == 0 or a - angles[n - 1] > APART_DEG]
        lines = [SeenLine(peak=peak(a + rng.normal(0.0, ERROR_DEG)), unknown=True) for a in kept if a < RANGE_DEG[1]]
        survey.take(
            PointLines(
                lines=tuple(lines),
                wavelength_angstrom=WAVELENGTH_ANGSTROM,
                pressure_gpa=gpa,
                temperature_k=298.0,
                range_deg=RANGE_DEG,
                number=number,
            )
        )
    (phase,) = survey.grouping().phases
    return phase


def cubic(a, sums, compressibility):
    return lambda gpa: [edge(a, compressibility, gpa) / math.sqrt(each) for each in sums]


NOTHING = Indexing(verdict="not decided", reason="", lattices=(), engines="")


@pytest.fixture(scope="module")
def mixture():
    return surveyed_phase(cubic(3.68, CUBE, 0.020), cubic(6.05, FACE_CENTRED, 0.014))


@pytest.mark.nightly
def test_the_mixture_is_no_lattice(mixture):
    assert index_lines(mixture.line_sets(), systems=("cubic", "hexagonal", "tetragonal")).verdict == "not decided"


def test_some_lines_of_a_phase_are_there_where_they_are_seen():
    # Of a phase that became another one, with which it was told as one, the part was asked for lines where it has none
    whole = surveyed_phase(cubic(3.68, CUBE, 0.020))
    early = whole.of_tracks([track.at_places(whole.places[:3]) for track in whole.tracks[:5]], "early")
    assert early.places == whole.places[:3]
    assert early.last == whole.points[2]
    assert [len(each.lines) for each in early.line_sets()] == [5, 5, 5]


@pytest.mark.nightly
def test_two_cubes_that_come_together_are_parted_by_how_they_shrink_and_each_has_its_lattice(mixture):
    found = parted_phase(mixture, index_lines(mixture.line_sets()))
    assert found.are_two
    edges = {
        one.centring: next(at.cell.a_angstrom for at in one.points if at.pressure_gpa == PRESSURES_GPA[0])
        for one in (lattice.lattices[0] for lattice in found.lattices)
    }
    assert edges == {"P": pytest.approx(3.68, abs=2e-3), "F": pytest.approx(6.05, abs=4e-3)}
    assert sorted(round(part.compressibility_per_gpa, 3) for part in found.parts) == [
        pytest.approx(0.014, abs=2e-3),
        pytest.approx(0.020, abs=2e-3),
    ]
    assert [part.name for part in found.parts] == ["unknown 1a", "unknown 1b"]


def test_a_phase_of_unlike_axes_that_a_lattice_explains_is_not_parted():
    def layered(gpa):
        a, c = edge(3.1, 0.008, gpa), edge(6.4, 0.018, gpa)
        planes = [(0, 0, 2), (1, 0, 0), (1, 0, 1), (1, 0, 2), (0, 0, 4), (1, 1, 0), (1, 0, 3), (1, 1, 2), (2, 0, 0)]
        planes += [(2, 0, 1), (1, 0, 4), (2, 0, 2), (1, 1, 4), (0, 0, 6), (2, 0, 3), (2, 1, 0), (1, 0, 5)]
        return [(4.0 / 3.0 * (h * h + h * k + k * k) / a**2 + l * l / c**2) ** -0.5 for h, k, l in planes]  # noqa: E741

    phase = surveyed_phase(layered)
    whole = index_lines(phase.line_sets(), systems=("hexagonal",))
    assert whole.lattices
    assert parted_phase(phase, whole) is None


def test_one_cube_shrinks_in_one_way():
    assert parted_phase(surveyed_phase(cubic(3.68, CUBE, 0.020)), NOTHING) is None


def test_two_cubes_of_one_compressibility_stay_together():
    together = surveyed_phase(cubic(3.68, CUBE, 0.020), cubic(6.05, FACE_CENTRED, 0.0201))
    assert parted_phase(together, NOTHING) is None
