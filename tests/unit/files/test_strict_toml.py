"""A settings file of another kind is told in a sentence, and one with a slip of the pen key by key."""

from pathlib import Path

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.experiment import read_experiment
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe

SHIPPED = Path(read_profile("simulated").folder)
EXPERIMENT, RECIPE, PROFILE = (SHIPPED / name for name in ("experiments/lics-2015.toml", "recipe.toml", "profile.toml"))


@pytest.mark.parametrize(
    ("read", "path", "kind"),
    [
        (read_experiment, RECIPE, "experiment"),
        (read_experiment, PROFILE, "experiment"),
        (read_recipe, EXPERIMENT, "recipe"),
        (read_recipe, PROFILE, "recipe"),
    ],
)
def test_a_file_of_another_kind_is_told_in_a_sentence(read, path, kind):
    with pytest.raises(ProfileError, match=rf"{path.name} is no {kind}: it has \w+, .* should be\. Give") as refused:
        read(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("given", "wrong"), [("title =", "titel ="), ("[gasket]", "[gaskets]")])
def test_a_key_that_is_spelt_wrong_is_told_by_its_name(tmp_path, given, wrong):
    path = tmp_path / "mine.toml"
    path.write_text(EXPERIMENT.read_text().replace(given, wrong, 1))
    with pytest.raises(ProfileError, match=rf"{wrong.strip('[]= ')}\b.*there is no such key"):
        read_experiment(path)
