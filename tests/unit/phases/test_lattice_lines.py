import itertools

import numpy as np
import pytest

from lics_beamline.phases.lattice_lines import is_lattice_of_another, is_nearly_another
from lics_beamline.phases.phase import named_phase
from lics_beamline.physics.unit_cell import UnitCell

WAVELENGTH = 0.41373
RANGE_DEG = (3.0, 31.0)


def angles(spacings):
    return 2.0 * np.degrees(np.arcsin(WAVELENGTH / 2.0 / np.asarray(spacings)))


def told(name, cell, peak_deg):
    lines = named_phase(name).lines(cell, wavelength_angstrom=WAVELENGTH, d_min_angstrom=0.78)
    spacing = np.array([cell.d_angstrom(line.hkl) for line in lines])
    return is_lattice_of_another(
        cell,
        spacing,
        np.asarray(peak_deg),
        np.full(len(peak_deg), 0.07),
        range_deg=RANGE_DEG,
        wavelength_angstrom=WAVELENGTH,
    )


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("diamond", UnitCell.cubic(3.563)),
        ("cs-bcc", UnitCell.cubic(5.6)),
        ("re-hcp", UnitCell.hexagonal(2.761, 4.456)),
    ],
)
def test_lines_that_a_structure_forbids_say_that_another_phase_has_its_lattice(name, cell):
    planes = [hkl for hkl in itertools.product(range(4), repeat=3) if any(hkl)]
    every = np.unique(np.round([cell.d_angstrom(hkl) for hkl in planes], 6))
    inside = [angle for angle in angles([d for d in every if d > 0.8]) if RANGE_DEG[0] < angle < RANGE_DEG[1]]
    assert told(name, cell, inside)


def test_the_lines_of_a_phase_itself_do_not_say_so():
    cell = named_phase("diamond").expected(0.0, 298.0)
    assert not told("diamond", cell, angles([cell.d_angstrom(hkl) for hkl in ((1, 1, 1), (2, 2, 0), (3, 1, 1))]))
    assert not told("diamond", cell, [])


def test_lines_in_other_places_do_not_say_so_however_many_they_are():
    rng = np.random.default_rng(5)
    cell = named_phase("re-hcp").expected(3.0, 298.0)
    assert not any(told("re-hcp", cell, rng.uniform(*RANGE_DEG, 40)) for _ in range(100))


PRIMITIVE = np.array([1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 16])  # 7 and 15 are no sums of three squares
CENTRED = np.array([2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 30])  # 28 is none


@pytest.mark.parametrize(
    ("centring", "a", "squares", "peaks", "lacks", "nearly"),
    [
        ("P", 3.6, PRIMITIVE, [7], [14], True),  # the lines are those of a body-centred cube of 3.6 sqrt(2)
        ("P", 3.6, PRIMITIVE, [7, 15], [], True),
        ("P", 3.6, PRIMITIVE, [7], [], False),  # one may be another phase's
        ("P", 3.6, PRIMITIVE, [], [13], False),  # both have it
        ("I", 5.1, CENTRED, [28], [14], True),
        ("I", 5.1, CENTRED, [26], [14], False),
        ("F", 5.1, CENTRED, [28], [14], False),
    ],
)
def test_lines_by_which_cubes_that_are_nearly_alike_differ_tell_which_it_is(centring, a, squares, peaks, lacks, nearly):
    def told(seen):
        return is_nearly_another(
            centring,
            a,
            squares,
            seen,
            np.isin(squares, lacks),
            angles(a / np.sqrt(np.array(peaks, dtype=float))),
            np.full(len(peaks), 0.07),
            wavelength_angstrom=WAVELENGTH,
        )

    assert told(np.isin(squares, (1, 2, 4, 6))) == nearly
    assert not told(np.isin(squares, (1, 2, 4, 6, 14)))  # a line that the other one has not is seen
