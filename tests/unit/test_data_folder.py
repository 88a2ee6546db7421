"""A data folder whose plates lie on another disk."""

import pytest

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import JournalError


def test_a_plate_on_a_bigger_disk_is_named_as_in_the_data_folder(tmp_path):
    disk = tmp_path / "big"
    disk.mkdir()
    data = DataFolder(tmp_path / "data")
    data.root.mkdir()
    data.plates.symlink_to(disk)
    data.make()
    assert data.relative(data.plates / "ab" / "000001.osc") == "plates/ab/000001.osc"
    assert data.relative(disk / "ab" / "000001.osc") == "plates/ab/000001.osc"


def test_a_folder_of_plates_that_is_a_link_to_nowhere_says_so(tmp_path):
    data = DataFolder(tmp_path / "data")
    data.root.mkdir()
    data.plates.symlink_to(tmp_path / "not mounted")
    with pytest.raises(JournalError, match="Mount that disk"):
        data.make()


def test_a_data_folder_that_is_a_link_to_nothing_is_not_made_elsewhere(tmp_path):
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    with pytest.raises(JournalError, match=r"is a link to .*disk, where there is no folder\. Mount"):
        DataFolder(tmp_path / "data").make()
    assert not (tmp_path / "disk").exists()
