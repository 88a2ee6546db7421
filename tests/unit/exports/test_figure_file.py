"""A figure is written whole, in the format that its name says."""

import os

import pytest
from matplotlib.figure import Figure

from lics_beamline.exports.figure_file import save_figure


@pytest.mark.parametrize(
    ("name", "written", "begins"),
    [("track.png", "track.png", b"\x89PNG"), ("track.pdf", "track.pdf", b"%PDF"), ("track", "track.png", b"\x89PNG")],
)
def test_the_ending_of_the_name_says_the_format_and_nothing_is_left_beside_it(tmp_path, name, written, begins):
    path = save_figure(Figure(), tmp_path / "new" / name)
    assert path.name == written
    assert path.read_bytes().startswith(begins)
    assert os.listdir(tmp_path / "new") == [written]


def test_a_format_that_nobody_can_draw_leaves_the_figure_of_before(tmp_path):
    (tmp_path / "track.xyz").write_text("before")
    with pytest.raises(ValueError, match="xyz"):
        save_figure(Figure(), tmp_path / "track.xyz")
    assert (tmp_path / "track.xyz").read_text() == "before"
    assert os.listdir(tmp_path) == ["track.xyz"]
