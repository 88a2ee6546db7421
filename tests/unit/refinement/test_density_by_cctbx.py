"""The same structure factors in another program: P. V. Afonine and others, cctbx.maptbx.mem."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from worlds.measured_alloy import CELL, QUESTION, measured

from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.max_entropy import Density
from lics_beamline.refinement.maxima import maxima
from lics_beamline.refinement.occupancy import SiteEstimator

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cctbx") is None, reason="cctbx is not installed: pip install lics_beamline[referee]"
)
PROGRAM = Path(__file__).parents[2] / "cctbx_density.py"
POINTS = 32
GRID = DensityGrid(cell=CELL, space_group="P m -3 m", shape=(POINTS,) * 3)


def by_cctbx(density: Density, factors, folder):
    reflections = [one for group in factors.groups for one in group.reflections]
    asked = {
        "cell": list(CELL.numbers),
        "space_group": "P m -3 m",
        "hkl": [(one.h, one.k, one.l) for one in reflections],
        "factors": np.concatenate(density.factors).real.tolist(),
        "electrons": QUESTION.electrons,
        "points": POINTS,
    }
    path = folder / "density.npy"
    subprocess.run([sys.executable, PROGRAM, path], input=json.dumps(asked), text=True, check=True)
    return np.load(path)


def test_cctbx_finds_the_same_maxima(tmp_path):
    factors = measured(0.7, seed=2)
    density = SiteEstimator(QUESTION, factors, GRID).density()
    ours = maxima(density.values, GRID)
    theirs = maxima(by_cctbx(density, factors, tmp_path), GRID)
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        assert one.position == pytest.approx(other.position, abs=1e-3)
    assert theirs[1].height > 5 * theirs[2].height  # after caesium and lithium there are ripples only


@pytest.mark.long
def test_cctbx_finds_no_lithium_where_we_find_none(tmp_path):
    factors = measured(0.0, seed=2)
    density = SiteEstimator(QUESTION, factors, GRID).density()
    theirs = by_cctbx(density, factors, tmp_path)
    assert density.values[16, 16, 16] < 0.5
    assert theirs[16, 16, 16] < 0.5
