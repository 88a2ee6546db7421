"""The name by which a person opens the catalog of a data folder."""

import shutil

import pytest

from lics_beamline.catalog.birth import BIRTH_NAME
from lics_beamline.catalog.place import set_catalog_place
from lics_beamline.catalog.tiled_profile import profile_name, write_profile
from lics_beamline.data_folder import DataFolder


def built(root):
    """A data folder that has a catalog."""
    data = DataFolder(root).make()
    data.catalog.mkdir()
    (data.catalog / BIRTH_NAME).write_text(f'{{"root": "{root.resolve()}"}}')
    return data


@pytest.fixture
def profiles(tmp_path):
    return tmp_path / "profiles"


def test_each_folder_keeps_a_name_of_its_own(tmp_path, profiles):
    folders = [built(tmp_path / name) for name in ("one", "two", "a/two", "three # x")]
    names = ["lics", "lics-two", "lics-two-2", "lics-three-x"]
    assert [write_profile(data, folder=profiles).stem for data in folders] == names
    assert [write_profile(data, folder=profiles).stem for data in reversed(folders)] == names[::-1]
    assert [profile_name(data, profiles) for data in folders] == names
    assert profile_name(DataFolder(tmp_path / "other"), profiles) == ""


def test_a_name_is_taken_from_a_folder_that_is_gone_and_that_is_said(tmp_path, profiles, caplog):
    one, two = built(tmp_path / "one"), built(tmp_path / "two")
    write_profile(one, folder=profiles)
    assert caplog.text == ""
    shutil.rmtree(one.root)
    assert write_profile(two, folder=profiles).stem == "lics"
    assert f"profile lics showed the catalog of {one.root}; from now on it shows that of {two.root}" in caplog.text


def test_a_name_that_was_chosen_is_kept_and_a_profile_of_somebody_else_is_not_touched(tmp_path, profiles):
    data = built(tmp_path / "one")
    profiles.mkdir()
    (profiles / "lics.yml").write_text("lics:\n  uri: https://elsewhere\n")
    assert write_profile(data, folder=profiles).stem == "lics-one"
    (profiles / "lics-one.yml").unlink()
    assert write_profile(data, name="cell7", folder=profiles).stem == "cell7"
    assert write_profile(data, folder=profiles).stem == "cell7"


def test_the_profile_of_a_server_names_it_and_holds_no_key(tmp_path, profiles):
    data = built(tmp_path / "one")
    set_catalog_place(data, "https://catalog.example")
    text = write_profile(data, folder=profiles).read_text()
    assert '"uri": "https://catalog.example"' in text
    assert "api_key" not in text
