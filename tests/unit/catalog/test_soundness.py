"""A catalog is set aside only where a new one can be made."""

import pytest

from lics_beamline.catalog.soundness import set_damaged_aside
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
