"""Density of given structure factors by cctbx, as a program of its own: its libraries do not share a process with ours.

Reads JSON on standard input: cell, space_group, hkl, factors (real), electrons, points along each axis. Writes the map
of one cell [electrons/angstrom^3] as a .npy file of the given name.
"""

import json
import sys

import cctbx.maptbx.mem
import numpy as np
from cctbx import crystal, maptbx, miller
from cctbx.array_family import flex

LAMBDA = 2.0  # weight of the data in cctbx's functional
ITERATIONS = 1500


def main(path):
    asked = json.load(sys.stdin)
    symmetry = crystal.symmetry(unit_cell=asked["cell"], space_group_symbol=asked["space_group"])
    indices, data = flex.miller_index(), flex.complex_double()
    for hkl, factor in zip(asked["hkl"], asked["factors"], strict=True):
        indices.append(tuple(hkl))
        data.append(complex(factor))
    gridding = maptbx.crystal_gridding(
        unit_cell=symmetry.unit_cell(),
        space_group_info=symmetry.space_group_info(),
        pre_determined_n_real=(asked["points"],) * 3,
    )
    found = cctbx.maptbx.mem.run(
        f=miller.array(miller.set(symmetry, indices, anomalous_flag=False), data=data),
        f_000=asked["electrons"],
        lam=LAMBDA,
        start_map="flat",
        crystal_gridding=gridding,
        max_iterations=ITERATIONS,
        detect_convergence=False,
        use_scale=False,
        log=sys.stderr,
    )
    density = found.rho.as_numpy_array()
    np.save(path, density * (asked["electrons"] / symmetry.unit_cell().volume() / density.mean()))


if __name__ == "__main__":
    main(sys.argv[1])
