"""Whether two lists of atoms are one structure to a powder, by gemmi: whatever the origin, hand, or group."""

import gemmi
import numpy as np

MOST_OF_EDGE = 4.0  # planes are compared down to the longest edge over this


def ring_difference(cell, first, second):
    """Largest difference of the |F|^2 of rings at rest, over the largest; each is a space group and its atoms."""
    every = np.array(np.meshgrid(*[np.arange(-8, 9)] * 3)).reshape(3, -1).T
    square = cell.inverse_d_squared(every)
    planes = every[(square > 1e-9) & (square < (MOST_OF_EDGE / max(cell.numbers[:3])) ** 2)]
    squares = [_squares(symbol, atoms, planes) for symbol, atoms in (first, second)]
    # Lattices turn planes into others of one ring: rings are what a powder shows
    spacing = np.round(cell.inverse_d_squared(planes), 6)
    rings = [[float(values[spacing == d].mean()) for d in np.unique(spacing)] for values in squares]
    return float(np.abs(np.subtract(*rings)).max() / np.max(rings[0]))


def _squares(symbol, atoms, planes):
    operations = list(gemmi.SpaceGroup(symbol).operations())
    total = np.zeros(len(planes), dtype=complex)
    for element, at in atoms:
        images = {tuple(np.round(np.array(one.apply_to_xyz(list(at))) % 1.0, 4) % 1.0) for one in operations}
        form = gemmi.Element(element).it92.calculate_sf(0.0)
        total += form * np.exp(2j * np.pi * planes @ np.array(sorted(images)).T).sum(axis=1)
    return np.abs(total) ** 2
