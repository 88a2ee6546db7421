"""`lics reduce`: what it says of pixels that are not in the pattern."""

import json

import numpy as np
import pytest
from fabio.edfimage import EdfImage

from lics_beamline.cli import main
from lics_beamline.diffraction.geometry import flat_geometry


@pytest.fixture
def words(tmp_path):
    """Of the command line; the image has eighteen bright pixels along one ring and a gap of 65535."""
    geometry = flat_geometry(distance_mm=100.0, wavelength_angstrom=0.41373, shape=(300, 300), pixel_mm=0.2)
    image = np.random.default_rng(1).poisson(100.0, (300, 300)).astype(np.uint16)
    image[60:63, 140:158] = 9000
    image[:, 30:36] = 65535
    EdfImage(data=image).write(str(tmp_path / "a.edf"))
    (tmp_path / "a.poni").write_text(geometry.poni)
    return ["reduce", str(tmp_path / "a.edf"), "--geometry", str(tmp_path / "a.poni"), "--bins", "200"]


def test_masked_pixels_and_the_worst_ring_are_said_beside_the_list(words, capsys):
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.startswith("  2theta (deg)")
    assert "2.0 % of the pixels are masked, those from 65535 counts" in said.err
    assert "rejected as spots" in said.err


def test_clipping_is_by_choice_and_a_program_is_told_the_same(words, capsys):
    assert main([*words, "--json"]) == 0
    clipped = json.loads(capsys.readouterr().out)
    assert main([*words, "--json", "--no-clip"]) == 0
    kept = json.loads(capsys.readouterr().out)
    assert clipped["rejected_fraction"] > 1e-4
    assert len(clipped["remarks"]) == 2
    assert kept["rejected_fraction"] == 0.0
    assert len(kept["remarks"]) == 1
