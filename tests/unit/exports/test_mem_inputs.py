import numpy as np
import pytest

from lics_beamline.exports.mem_inputs import write_fos, write_mem, write_prf
from lics_beamline.physics.crystal import Reflection
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.amplitudes import Amplitudes
from lics_beamline.refinement.structure_factors import ReflectionGroup

AMPLITUDES = Amplitudes(
    cell=UnitCell.cubic(3.489),
    space_group="P m -3 m",
    electrons=58.0,
    groups=(
        ReflectionGroup(reflections=(Reflection(1, 0, 0),), multiplicities=(6,), s_per_angstrom=0.1433),
        ReflectionGroup(reflections=(Reflection(2, 0, 0),), multiplicities=(6,), s_per_angstrom=0.2866),
        ReflectionGroup(
            reflections=(Reflection(3, 0, 0), Reflection(2, 2, 1)), multiplicities=(6, 24), s_per_angstrom=0.4299
        ),
    ),
    amplitude=np.array([44.1234, 36.5, 24.875]),
    sigma=np.array([0.0441, 0.05, 0.0621]),
    phased=(np.array([45.0 + 0j]), np.array([-30.0 + 30.0j]), np.array([25.0 + 0j, 25.0 + 0j])),
)


def test_a_mem_file_reads_back_line_by_line(tmp_path):
    # the order of GSAS-II's makeMEMfile: title, cell, texture, symmetry and grid, electrons, F, G, unobserved
    lines = (
        write_mem(AMPLITUDES, tmp_path / "x.mem", shape=(64, 64, 64), title="Li Cs at 8 GPa").read_text().splitlines()
    )
    assert lines[0] == "Li Cs at 8 GPa"
    assert lines[1] == "   3.48900   3.48900   3.48900  90.00000  90.00000  90.00000"
    assert lines[2].split() == ["0.0000000", "0.0000000", "-1", "0", "0", "0", "P"]
    assert lines[3] == "  221    1   64   64   64"
    assert lines[4].split() == ["58.00", "0.001"]
    assert lines[5].split() == ["2"]
    assert lines[6] == "    1    0    0    44.123     0.000     0.044"
    assert lines[7] == "    2    0    0   -25.809    25.809     0.050"  # the phase of the host, 135 degrees
    assert lines[8].split() == ["1"]
    assert lines[9] == "#    0"
    assert lines[10].split() == ["2"]
    assert lines[11] == "    3    0    0    24.875     0.062    6"
    assert lines[12] == "    2    2    1   24"
    assert lines[13:] == ["0"]


def test_a_fos_file_is_laid_out_as_rietan_2000_writes_it(tmp_path):
    # formats of subroutine FOURMEM: 6F10.5, 5I5, F17.3 F13.7, 3I5 3F15.7, and 3I5 2F15.7 I5 for groups
    path = write_fos(AMPLITUDES, tmp_path / "x.fos", shape=(64, 64, 64), title="Li Cs", wavelength_angstrom=0.41373)
    data = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert data == [
        "Li Cs",
        "   3.48900   3.48900   3.48900  90.00000  90.00000  90.00000",
        "      0.0000000      0.0000000     -1    0    0    0     P",
        "   64   64   64  221    1    P",
        "           58.000    0.4137300",
        "    2",
        "    1    0    0     44.1234000      0.0000000      0.0441000",
        "    2    0    0    -25.8093975     25.8093975      0.0500000",
        "    1",
        "    2",
        "    3    0    0     24.8750000      0.0621000    6",
        "    2    2    1                                 24",
        "    0",
    ]


def test_captions_of_a_fos_file_name_what_follows(tmp_path):
    lines = (
        write_fos(AMPLITUDES, tmp_path / "x.fos", shape=(64, 64, 64), title="Li Cs", wavelength_angstrom=0.41373)
        .read_text()
        .splitlines()
    )
    assert lines[lines.index("# NREF1") + 1].split() == ["2"]
    assert lines[lines.index("# NREF2") + 1].split() == ["1"]
    assert lines[lines.index("# NREF3") + 1].split() == ["0"]


def test_a_second_choice_of_origin_is_told(tmp_path):
    diamond = Amplitudes(
        cell=UnitCell.cubic(5.43),
        space_group="F d -3 m:2",
        electrons=112.0,
        groups=(ReflectionGroup(reflections=(Reflection(1, 1, 1),), multiplicities=(8,), s_per_angstrom=0.16),),
        amplitude=np.array([60.0]),
        sigma=np.array([0.1]),
        phased=(np.array([-60.0 + 0j]),),
    )
    lines = write_mem(diamond, tmp_path / "si.mem", shape=(96, 96, 96), title="Si").read_text().splitlines()
    assert lines[3] == "  227    2   96   96   96"
    assert lines[6].split()[3] == "-60.000"


@pytest.mark.parametrize(("algorithm", "digit"), [("ZSPA", "0"), ("L-BFGS", "1")])
def test_a_prf_file_names_its_files_and_the_algorithm(tmp_path, algorithm, digit):
    lines = write_prf(tmp_path / "licsx.prf", algorithm=algorithm, weight_exponent=4).read_text().splitlines()
    assert lines[:6] == ["$PREFERENCES", "licsx.mem", "licsx.out", "licsx.pgrid", "licsx.fba", "licsx_eps.raw"]
    assert lines[6:9] == ["0", "0", digit]
    assert lines[11].split() == ["0.0100", "4"]
    assert len(lines) == 20
