"""A catalog is set aside only where a new one can be made."""

import os
import sqlite3

import pytest

from lics_beamline.catalog.soundness import damage, set_damaged_aside
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import RunNotFound


@pytest.mark.parametrize("letter", ["#", "?", ";"])
def test_in_a_folder_that_no_catalog_can_name_nothing_is_set_aside(tmp_path, letter):
    data = DataFolder(tmp_path / f"run{letter}2").make()
    (data.catalog / "arrays").mkdir(parents=True)
    with pytest.raises(RunNotFound, match="in its path"):
        set_damaged_aside(data)
    assert (data.catalog / "arrays").is_dir()
    assert not list(data.root.glob("catalog.damaged*"))


@pytest.mark.parametrize("name", ["catalog.db", "tables.db"])
@pytest.mark.parametrize(
    "spoil",
    [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere.db"), lambda path: path.symlink_to("/dev/zero")],
    ids=["pipe", "folder", "link to nothing", "device"],
)
def test_what_is_no_file_where_a_database_should_be_is_damage_and_not_waited_for(tmp_path, name, spoil):
    data = DataFolder(tmp_path).make()
    data.catalog.mkdir()
    with sqlite3.connect(data.catalog / "catalog.db") as database:
        database.execute("CREATE TABLE nodes (id)")
    path = data.catalog / name
    path.unlink(missing_ok=True)
    spoil(path)
    assert damage(data, thoroughly=True) == f"{path} is no regular file"


def test_a_file_in_the_place_of_the_catalog_is_damage(tmp_path):
    data = DataFolder(tmp_path).make()
    data.catalog.write_text("x")
    assert damage(data) == f"{data.catalog} is no folder"
