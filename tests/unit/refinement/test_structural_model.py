from pathlib import Path

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.phases.phase import LIBRARY
from lics_beamline.physics.structure import B_OF_U
from lics_beamline.refinement.structural_model import model_from_cif, read_model

CIF = """data_salt
_cell_length_a {edge}
_cell_length_b 5.6402
_cell_length_c 5.6402
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_U_iso_or_equiv
Na1 Na+1 0 0 0 0.020(1)
Cl1 Cl- 0.5 0.5 0.5 0.018
"""


def test_a_number_with_an_uncertainty_is_refined_and_one_without_is_held():
    model = model_from_cif(CIF.format(edge="5.6402(2)"))
    sodium, chlorine = model.sites
    assert (model.name, model.space_group, model.cell.a_angstrom) == ("salt", "F m -3 m", 5.6402)
    assert model.refined[0] == {"b"}
    assert model.refined[1] == frozenset()
    assert sodium.b_iso_angstrom2 == pytest.approx(0.020 * B_OF_U) == pytest.approx(1.579, abs=1e-3)
    assert (sodium.element, chlorine.element, sodium.occupancy) == ("Na", "Cl", 1.0)


def test_the_rival_models_of_the_alloy_differ_in_lithium_only():
    faces, centre = read_model(Path("A.cif")), read_model(Path("B"))
    assert faces.cell == centre.cell
    assert faces.sites[0] == centre.sites[0]
    assert (faces.sites[1].x, faces.sites[1].y, faces.sites[1].z) == (0.0, 0.5, 0.5)
    assert (centre.sites[1].x, centre.sites[1].y, centre.sites[1].z) == (0.5, 0.5, 0.5)
    assert faces.refined[1] == frozenset()
    assert faces.sites[1].b_iso_angstrom2 == 2.0
    assert centre.refined[1] == {"occupancy", "b"}


def test_a_file_goes_before_a_shipped_model_of_its_name(tmp_path):
    mine = tmp_path / "B.cif"
    mine.write_text(CIF.format(edge="5.6402"))
    assert read_model(mine).name == "B"
    assert read_model(mine).space_group == "F m -3 m"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("data_x\n_cell_length_a 3\n", "needs cell, space group and atoms"),
        ("loop_ loop_", "not readable as CIF"),
        (CIF.format(edge="?"), "a cell of"),
        (CIF.format(edge="5.64").replace("_symmetry_space_group_name_H-M 'F m -3 m'", ""), "space group none"),
    ],
)
def test_what_is_missing_in_a_cif_is_named(text, reason):
    with pytest.raises(ProfileError, match=reason):
        model_from_cif(text)


def test_a_phase_is_named_as_recipes_name_it(tmp_path):
    phase = LIBRARY / "cs-bcc.toml"
    for name in ("cs-bcc.cif", "cs-bcc.toml"):
        (tmp_path / name).write_text((LIBRARY / name).read_text())
    models = [read_model(path) for path in (Path("cs-bcc"), phase, tmp_path / "cs-bcc.toml", tmp_path / "cs-bcc.cif")]
    assert models == [models[0]] * len(models)
    assert (models[0].name, models[0].space_group) == ("cs-bcc", "I m -3 m")


def test_an_unknown_model_is_refused_with_those_there_are():
    with pytest.raises(ProfileError, match="A, B, rhenium"):
        read_model(Path("unknown"))
