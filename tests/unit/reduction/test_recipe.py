import json

import numpy as np
import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.frames.plate import Fading, Ghost
from lics_beamline.frames.plate_calibration import PlateCalibration
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.physics.ruby_chip import RubyChip
from lics_beamline.reduction.recipe import Recipe, read_recipe, recipe_of
from lics_beamline.reduction.ruby import RubyReduction

GEOMETRY = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=(3000, 3000), pixel_mm=0.1)

TEXT = """
geometry = "g.poni"

[frames]
bins = 2000
two_theta_deg = [4, 30]

[ruby]
scale = "ruby_mao_1986"
correction = "ragan-1992"
"""


@pytest.fixture
def folder(tmp_path):
    GEOMETRY.write(tmp_path / "g.poni")
    return tmp_path


def written(folder, text):
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_a_recipe_file_with_its_poni_file_is_one_value(folder):
    recipe = read_recipe(written(folder, TEXT))
    assert recipe.geometry == GEOMETRY
    assert (recipe.frames.bins, recipe.frames.two_theta_deg) == (2000, (4.0, 30.0))
    assert recipe.ruby.ruler().scale == "ruby_mao_1986"
    assert [phase.name for phase in recipe.phases] == ["alloy", "cs-bcc", "cs-fcc", "li-bcc", "re-hcp", "diamond"]


def test_a_recipe_survives_a_document(folder):
    recipe = read_recipe(written(folder, TEXT))
    again = recipe_of(json.loads(json.dumps(recipe.model_dump(mode="json"))))
    assert again == recipe
    assert again.digest == recipe.digest


def test_the_order_of_a_file_and_the_spelling_of_numbers_do_not_change_the_digest(folder):
    one = read_recipe(written(folder, TEXT))
    head, frames, ruby = TEXT.replace("[4, 30]", "[4.0, 3e1]").split("\n\n")
    two = read_recipe(written(folder, "\n\n".join((head, ruby, frames))))
    assert one.digest == two.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [("2000", "2001"), ("[4, 30]", "[4, 29]"), ("ragan-1992", "datchi-2007"), ("bins", "clip_sigma = 6.0\nbins")],
)
def test_whatever_changes_a_number_changes_the_digest(folder, old, new):
    assert read_recipe(written(folder, TEXT.replace(old, new))).digest != read_recipe(written(folder, TEXT)).digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("bins = 2000", "bins = 5", ("frames.bins", "5", "greater than or equal to 10")),
        ("bins = 2000", 'bins = "2000"', ("frames.bins", "'2000'", "integer")),
        ("[4, 30]", "[30, 4]", ("frames.two_theta_deg", "30", "lower below upper")),
        ("ruby_mao_1986", "ruby_rekhi", ("ruby.scale", "ruby_rekhi", "ruby_shen_2020")),
        ("ragan-1992", "ragan", ("ruby.correction", "ragan", "datchi-2007")),
        ("bins", "binns", ("frames.binns", "there is no such key")),
        ('geometry = "g.poni"', "", ("geometry", "required")),
        ('"g.poni"', '"none.poni"', ("none.poni",)),
        ("[frames]", 'phases = ["alloy", "cs-bcc", "alloy"]\n[frames]', ("phases", "alloy is there twice")),
        ("[frames]", "[frames", ("TOML",)),
        (
            'correction = "ragan-1992"',
            'correction = "wei-2024"\nreference_temperature_k = 290.0',
            ("ruby", "296-773 K"),
        ),
    ],
)
def test_a_bad_value_is_refused_with_file_key_value_and_what_is_allowed(folder, old, new, said):
    path = written(folder, TEXT.replace(old, new, 1))
    with pytest.raises(ProfileError) as caught:
        read_recipe(path)
    message = str(caught.value)
    assert "recipe.toml" in message or "none.poni" in message
    for words in said:
        assert words in message


def test_clipping_is_by_choice_and_never_so_tight_that_every_ring_loses_pixels(folder):
    recipe = read_recipe(written(folder, TEXT.replace("bins", "clip_sigma = 0\nbins")))
    assert recipe.integration().clip_sigma == 0.0
    with pytest.raises(ProfileError, match=r"clip_sigma.*3 to 100, or 0 to reject none"):
        read_recipe(written(folder, TEXT.replace("bins", "clip_sigma = 2.5\nbins")))


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"nowhere\.toml"):
        read_recipe(tmp_path / "nowhere.toml")


def test_the_reference_line_of_a_run_replaces_that_of_the_profile():
    recipe = Recipe(geometry=GEOMETRY)
    changed = recipe.with_reference(694.31, 296.4, 0.0012)
    ruler = changed.ruby.ruler()
    assert isinstance(ruler, RubyRuler)
    assert ruler.unshifted_nm(296.4) == pytest.approx(694.31)
    assert ruler.reference_sigma_nm == 0.0012
    assert ruler.chip_to_chip_nm == RubyReduction().chip_to_chip_nm  # the ambient chip is another one than the cell's
    assert changed.digest != recipe.digest
    assert recipe.ruby.reference_wavelength_nm == 694.25


def test_an_absurd_reference_line_is_refused():
    with pytest.raises(ProfileError, match="reference line"):
        Recipe(geometry=GEOMETRY).with_reference(720.0, 296.4, 0.001)


def test_a_recipe_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Recipe(geometry=GEOMETRY).peak_significance = 4.0


def own(**ruby):
    return recipe_of({"geometry": GEOMETRY.model_dump(mode="json"), "ruby": ruby})


def test_a_recipe_for_a_recorded_run_takes_over_its_reference_and_chip_and_keeps_its_own():
    chip = RubyChip(wavelength_nm=694.29, sigma_nm=0.001, ambient_wavelength_nm=694.26)
    recorded = own(axis="neon").with_chip(chip).with_reference(694.31, 296.4, 0.0012)
    taken = own(scale="ruby_mao_1986").for_run(recorded)
    assert taken.ruby.chip == chip
    assert taken.ruby.ruler().reference_wavelength_nm == pytest.approx(694.34)
    assert (taken.ruby.scale, taken.ruby.axis) == ("ruby_mao_1986", "none")
    kept = own(reference_wavelength_nm=694.20).for_run(recorded)
    assert kept.ruby.reference_wavelength_nm == 694.20
    assert (
        own(chip={"wavelength_nm": 694.4, "sigma_nm": 0.002}, axis="neon").for_run(recorded).ruby.chip.sigma_nm == 0.002
    )
    absolute = own(axis="neon").with_chip(RubyChip(wavelength_nm=694.29, sigma_nm=0.001))
    assert own(axis="ambient").for_run(absolute).ruby.chip is None, "an axis that is not corrected cannot use it"
    assert own(axis="neon").for_run(absolute).ruby.chip is not None


def test_a_recipe_of_before_is_still_a_recipe():
    before = {"scale": "ruby_shen_2020", "gasket_to_sample": 0.98, "thermocouple_sigma_k": 1.0, "chip_to_chip_nm": 0.03}
    gauge = own(**before).ruby.gauge()
    assert (gauge.gradient.gasket_to_sample, gauge.axis, gauge.compared) == (0.98, None, None)


def test_the_plate_section_names_calibration_and_mask_and_carries_their_content(tmp_path, recipe):
    recipe.geometry.write(tmp_path / "geometry.poni")
    calibration = PlateCalibration(
        fading=Fading(fast_share=0.2, fast_s=900.0, slow_s=2e5),
        ghosts=(Ghost(plate=1, share=1e-3),),
        made="2026-11-22T17:30:05+00:00",
        run_uid="0b8f0f7e",
    )
    file = calibration.write(tmp_path)
    np.save(tmp_path / "mask.npy", np.eye(600, dtype=bool))
    (tmp_path / "recipe.toml").write_text(
        f'geometry = "geometry.poni"\n[plate]\ncalibration = "{file.name}"\nmask = "mask.npy"\n'
    )
    read = read_recipe(tmp_path / "recipe.toml")
    assert read.plate.fading == calibration.fading
    assert read.plate.ghost(1) == calibration.ghosts[0]
    assert read.plate.ghost(2) is None
    assert read.plate.calibration_digest == calibration.digest
    assert read.plate.mask.array((600, 600)).sum() == 600
    for name in (file.name, "mask.npy"):
        (tmp_path / name).unlink()
    assert recipe_of(read.model_dump(mode="json")).digest == read.digest  # no other file is needed again


def test_an_unknown_key_of_the_plate_section_is_refused(tmp_path, recipe):
    recipe.geometry.write(tmp_path / "geometry.poni")
    (tmp_path / "recipe.toml").write_text('geometry = "geometry.poni"\n[plate]\nghost = 0.001\n')
    with pytest.raises(ProfileError, match=r"plate\.ghost"):
        read_recipe(tmp_path / "recipe.toml")


def test_a_mask_that_takes_most_of_the_pixels_is_doubted_with_its_share(folder, caplog):
    gap = np.zeros((100, 100), bool)
    gap[:, :7] = True
    path = written(folder, TEXT + '\n[plate]\nmask = "mask.npy"\n')
    np.save(folder / "mask.npy", gap)
    read_recipe(path)
    assert not caplog.messages
    np.save(folder / "mask.npy", ~gap)
    read_recipe(path)
    assert "takes 93.0 % of the pixels" in caplog.messages[0]
