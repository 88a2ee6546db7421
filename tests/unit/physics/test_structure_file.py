"""CIF files of other programs: read right, or refused by name; structure factors against cctbx."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import gemmi
import numpy as np
import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.physics.crystal import powder_lines
from lics_beamline.physics.structure_file import names_structure_file, read_structure_text, structure_from_cif

CORPUS = Path(__file__).parent / "corpus" / "structures"
FILES = sorted(CORPUS.glob("*.cif"))
OTHERWISE_BY_CCTBX = ("two-origins", "split-position", "occupancy-over-one", "displacement-negative")
REFEREE = Path(__file__).parents[2] / "cctbx_structure.py"
CUBE = """data_t
_cell_length_a 4.0
_cell_length_b 4.0
_cell_length_c 4.0
{symmetry}
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Cs1 0 0 0
"""


def answer(path):
    text = path.read_text("latin-1")
    return next(line for line in text.splitlines() if line.startswith("#:")).removeprefix("#:").strip()


def read(path):
    return structure_from_cif(read_structure_text(path), source=path.name)


def content(structure):
    """Space group and atoms in the cell, as the answers write them."""
    atoms = {}
    for site in structure.sites:
        atoms[site.element] = atoms.get(site.element, 0.0) + site.occupancy * len(structure.orbit(site))
    return f"{structure.space_group}, " + " + ".join(f"{number:.3g} {element}" for element, number in atoms.items())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_read_right_or_refused_by_name(path):
    right = answer(path)
    if right.startswith("refused"):
        with pytest.raises(ProfileError) as caught:
            read(path)
        assert right.removeprefix("refused,").strip() in str(caught.value)
        assert path.name in str(caught.value)
    else:
        assert content(read(path)) == right


@pytest.mark.skipif(
    importlib.util.find_spec("iotbx") is None, reason="cctbx is not installed: pip install lics_beamline[referee]"
)
def test_cctbx_has_the_same_structure_factors_of_what_it_can_read():
    structures = {str(path): read(path) for path in FILES if not answer(path).startswith("refused")}
    hkl = {
        name: [
            (line.reflection.h, line.reflection.k, line.reflection.l)
            for line in powder_lines(structure.cell, structure.space_group, 0.8)
        ]
        for name, structure in structures.items()
    }
    asked = subprocess.run([sys.executable, REFEREE], input=json.dumps(hkl), text=True, capture_output=True, check=True)
    compared = 0
    for name, theirs in json.loads(asked.stdout).items():
        # Of two origins cctbx takes the first whatever the file says besides, and it joins what is nearer than 0.5 A;
        # it has atoms that are there more than once, or sharper than points.
        if theirs is None or Path(name).stem.startswith(OTHERWISE_BY_CCTBX):
            continue
        ours = structures[name].structure_factors(np.array(hkl[name]))
        np.testing.assert_allclose(np.abs(ours), np.abs(np.array(theirs) @ [1.0, 1.0j]), atol=1e-4, err_msg=name)
        compared += 1
    assert compared > 10


@pytest.mark.parametrize("number", range(1, 231))
def test_every_space_group_is_found_by_its_number_alone_or_asked_for(number):
    standard = gemmi.find_spacegroup_by_number(number)
    cell = {"hexagonal": (20.0, 20.0, 25.0, 90, 90, 120), "trigonal": (20.0, 20.0, 25.0, 90, 90, 120)}.get(
        standard.crystal_system_str(), (20.0, 20.0, 20.0, 90, 90, 90)
    )
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    text = "data_t\n" + "".join(f"_cell_{name} {value}\n" for name, value in zip(names, cell, strict=True))
    text += f"_space_group_IT_number {number}\n" + CUBE.partition("{symmetry}")[2].replace("0 0 0", "0.09 0.23 0.37")
    origins = [group for group in gemmi.spacegroup_table() if group.number == number and group.hm == standard.hm]
    if len(origins) > 1 and standard.ext != "H":
        with pytest.raises(ProfileError, match=r"2 settings that the cell allows"):
            structure_from_cif(text)
    else:
        assert structure_from_cif(text).space_group == standard.xhm()


def test_the_tensor_gives_the_displacement_where_nothing_else_does():
    (site,) = read(CORPUS / "anisotropic-alone.cif").sites
    assert site.b_iso_angstrom2 == pytest.approx(0.02 * 8 * np.pi**2)


def test_the_equivalent_displacement_on_oblique_axes_is_that_of_gemmi():
    text = (CORPUS / "third-in-three-digits.cif").read_text() + (
        "loop_\n_atom_site_aniso_label\n"
        + "".join(f"_atom_site_aniso_U_{pair}\n" for pair in ("11", "22", "33", "12", "13", "23"))
        + "Re1 0.020 0.020 0.034 0.010 0 0\n"
    )
    cell = gemmi.UnitCell(2.76, 2.76, 4.456, 90, 90, 120)
    theirs = cell.calculate_u_eq(gemmi.SMat33d(0.020, 0.020, 0.034, 0.010, 0, 0))
    (site,) = structure_from_cif(text).sites
    assert site.b_iso_angstrom2 == pytest.approx(theirs * 8 * np.pi**2, rel=1e-9)


def test_a_printed_third_becomes_a_third():
    (site,) = read(CORPUS / "third-in-two-digits.cif").sites
    assert (site.x, site.y, site.z) == (pytest.approx(1 / 3, abs=1e-12), pytest.approx(2 / 3, abs=1e-12), 0.25)


def test_one_of_several_blocks_is_named_behind_the_file(tmp_path):
    path = tmp_path / "two.cif"
    path.write_bytes((CORPUS / "blocks-of-two-structures.cif").read_bytes())
    assert names_structure_file(Path(f"{path}::u"))
    assert structure_from_cif(read_structure_text(Path(f"{path}::u"))).name == "u"
    with pytest.raises(ProfileError, match=r"no block 'v'; it has t, u"):
        read_structure_text(Path(f"{path}::v"))


def test_symmetry_of_no_words_at_all_is_asked_for():
    with pytest.raises(ProfileError, match="space group none"):
        structure_from_cif(CUBE.format(symmetry=""))
    assert structure_from_cif(CUBE.format(symmetry="_space_group_IT_number 221")).space_group == "P m -3 m"


@pytest.mark.parametrize("number", ["0", "231", "-1", "2.5"])
def test_a_number_of_no_space_group_is_refused(number):
    with pytest.raises(ProfileError, match="no space group number"):
        structure_from_cif(CUBE.format(symmetry=f"_symmetry_Int_Tables_number {number}"))
