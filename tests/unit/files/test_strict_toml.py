"""A settings file of another kind is told in a sentence, and one with a slip of the pen key by key."""

import tracemalloc
from pathlib import Path

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.experiment import read_experiment
from lics_beamline.files.strict_toml import parse
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


@pytest.mark.parametrize("part", ["a", '"a b"', "'a.b'"])
@pytest.mark.parametrize("dot", [".", " . "])
@pytest.mark.parametrize("line", ["{} = 1", "[{}]", "x = {{{} = 1}}"])
def test_a_key_of_thousands_of_tables_is_refused_before_it_takes_memory(tmp_path, part, dot, line):
    path = tmp_path / "x.toml"
    path.write_text(line.format(dot.join([part] * 2000)))
    tracemalloc.start()
    try:
        with pytest.raises(ProfileError, match="nested more than 40 deep"):
            parse(path)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1 << 22, "tomllib takes 16 MB, and the reading of any such file 2"


def test_a_text_with_many_points_is_no_key(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(f"x = [{'1.5, ' * 3000}]\n# {'a. ' * 20}")
    assert len(parse(path)["x"]) == 3000
