"""The loops of the search for lattices: indices assumed for a few lines, cells solved and tried, compiled.

A few lines with assumed indices give a cell exactly (Werner, Eriksson & Westdahl 1985, J. Appl. Cryst. 18, 367); the
others say whether it is one. A monoclinic search tries some ten million cells. Import this where it is used: numba
takes a second to load.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lics_beamline.lines.compilation import compiled, compiled_part


@compiled_part
def _nearest(q: float, cell: Any, best: Any, enough: float) -> float:
    """Return how far the nearest reflection is from Q; its indices go into `best`; `cell` as `lattice_form.general`.

    The first that is no farther than `enough` will do.
    """
    aa, bb, cc, hl, hk = cell[0], cell[1], cell[2], cell[3], cell[4]
    least_k = bb - hk * hk / (4.0 * aa)
    least_l = cc - hl * hl / (4.0 * aa)
    most_k = int(math.sqrt(q / least_k) + 1.0)
    near = 1e30
    for k in range(most_k + 1):
        most_l = int(math.sqrt(max(q - least_k * k * k, 0.0) / least_l) + 1.0)
        for l in range(most_l + 1):  # noqa: E741  the crystallographer's name
            linear = hk * k + hl * l
            rest = bb * k * k + cc * l * l - q
            under = linear * linear - 4.0 * aa * rest
            root = math.sqrt(under) if under > 0.0 else 0.0
            for sign in (1.0, -1.0):
                h = round((-linear + sign * root) / (2.0 * aa))
                if h == 0 and k == 0 and l == 0:
                    continue
                away = abs(aa * h * h + linear * h + rest)
                if away < near:
                    near = away
                    best[0] = h
                    best[1] = k
                    best[2] = l
                    if near <= enough:
                        return near
                if linear == 0.0:
                    break
    return near


@compiled_part
def _solve(matrix: Any, right: Any, size: int) -> bool:
    """Solve a small system in place by elimination with pivots; False where it has no solution."""
    for column in range(size):
        pivot = column
        for row in range(column + 1, size):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        if abs(matrix[pivot, column]) < 1e-12:
            return False
        if pivot != column:
            for place in range(size):
                matrix[column, place], matrix[pivot, place] = matrix[pivot, place], matrix[column, place]
            right[column], right[pivot] = right[pivot], right[column]
        for row in range(column + 1, size):
            factor = matrix[row, column] / matrix[column, column]
            if factor != 0.0:
                for place in range(column, size):
                    matrix[row, place] -= factor * matrix[column, place]
                right[row] -= factor * right[column]
    for row in range(size - 1, -1, -1):
        for place in range(row + 1, size):
            right[row] -= matrix[row, place] * right[place]
        right[row] /= matrix[row, row]
    return True


@compiled_part
def _invert(matrix: Any, inverse: Any, size: int) -> bool:
    """Write the inverse of a small matrix, which is lost, by elimination with pivots; False where it has none."""
    for row in range(size):
        for place in range(size):
            inverse[row, place] = 1.0 if row == place else 0.0
    for column in range(size):
        pivot = column
        for row in range(column + 1, size):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        head = matrix[pivot, column]
        if abs(head) < 1e-12:
            return False
        if pivot != column:
            for place in range(size):
                matrix[column, place], matrix[pivot, place] = matrix[pivot, place], matrix[column, place]
                inverse[column, place], inverse[pivot, place] = inverse[pivot, place], inverse[column, place]
        for place in range(size):
            matrix[column, place] /= head
            inverse[column, place] /= head
        for row in range(size):
            factor = matrix[row, column]
            if row != column and factor != 0.0:
                for place in range(size):
                    matrix[row, place] -= factor * matrix[column, place]
                    inverse[row, place] -= factor * inverse[column, place]
    return True


@compiled_part
def _widened(kind: int, numbers: Any, cell: Any) -> None:
    """Write the general form of the free numbers of a system: `kind` is its place in `lattice_form.SYSTEMS`."""
    cell[3] = 0.0
    cell[4] = 0.0
    if kind == 0:
        cell[0] = cell[1] = cell[2] = numbers[0]
    elif kind == 1:
        cell[0] = cell[1] = cell[4] = numbers[0]
        cell[2] = numbers[1]
    elif kind == 2:
        cell[0] = cell[1] = numbers[0]
        cell[2] = numbers[1]
    else:
        cell[0], cell[1], cell[2] = numbers[0], numbers[1], numbers[2]
        if kind == 4:
            cell[3] = numbers[3]


@compiled_part
def _volume(cell: Any) -> float:
    """Volume of the cell [angstrom^3], 0 where there is none, or where another setting is the conventional one."""
    aa, bb, cc, hl, hk = cell[0], cell[1], cell[2], cell[3], cell[4]
    if aa <= 0.0 or bb <= 0.0 or cc <= 0.0 or hl < 0.0:
        return 0.0
    inverse = (aa * cc - 0.25 * hl * hl) * bb - 0.25 * hk * hk * cc
    return 1.0 / math.sqrt(inverse) if inverse > 0.0 else 0.0


@compiled_part
def _factors(kind: int, h: float, k: float, l: float, row: Any) -> None:  # noqa: E741
    """Write the factors of the free numbers of a system in Q, as `lattice_form.form` does."""
    if kind == 0:
        row[0] = h * h + k * k + l * l
    elif kind == 1:
        row[0] = h * h + h * k + k * k
        row[1] = l * l
    elif kind == 2:
        row[0] = h * h + k * k
        row[1] = l * l
    else:
        row[0], row[1], row[2] = h * h, k * k, l * l
        if kind == 4:
            row[3] = h * l


@compiled_part
def _is_conventional(kind: int, numbers: Any) -> bool:
    """Whether the axes are in the order of the setting that is tried: each lattice is met once."""
    if kind == 3:
        return bool(numbers[0] <= numbers[1] <= numbers[2])
    if kind == 4:
        return bool(0.0 <= numbers[3] <= numbers[0] * 1.001 <= numbers[2] * 1.002)
    return True


@compiled_part
def _said(
    cell: Any,
    volume: float,
    q: Any,
    slack: Any,
    loose: float,
    tested: int,
    most_missed: int,
    crowd: float,
    best: Any,
) -> float:
    """Return how much the lowest lines say for a cell; 0 where it leaves too many of them."""
    missed = 0
    score = 0.0
    for line in range(tested):
        allowed = max(slack[line], loose * q[line])
        chance = min(0.95, crowd * volume * math.sqrt(q[line]) * 2.0 * allowed)
        if _nearest(q[line], cell, best, allowed) <= allowed:
            score -= math.log(chance)
        else:
            score -= 2.0
            missed += 1
            if missed > most_missed:
                return 0.0
    return score


@compiled_part
def _keep(numbers: Any, score: float, kept: int, code: int, found: Any, scores: Any) -> int:
    """Keep a cell, where there is no room in place of the worst of a few; return how many are kept."""
    most = found.shape[0]
    place = kept
    if kept == most:
        place = (code * 7919) % most
        for step in range(8):
            other = (place + step * 104729) % most
            if scores[other] < scores[place]:
                place = other
        if scores[place] >= score:
            return kept
    for column in range(numbers.shape[0]):
        found[place, column] = numbers[column]
    scores[place] = score
    return min(kept + 1, most)


@compiled
def try_cells(
    kind: int,
    size: int,
    q: Any,
    slack: Any,
    bases: Any,
    options: Any,
    tested: int,
    most_missed: int,
    volumes: Any,
    crowd: float,
    found: Any,
    scores: Any,
) -> int:
    """Try all indices for some sets of base lines, and keep the cells that the other lines agree with.

    Parameters
    ----------
    kind, size : int
        Place of the system in `lattice_form.SYSTEMS`, and how many numbers it leaves free.
    q, slack : ndarray, shape (n,)
        Q of the lines and by how much it may be off, by rising Q.
    bases : ndarray of int, shape (m, size)
        Sets of lines that are given indices.
    options : ndarray, shape (j, size)
        Factors of the free numbers for each choice of indices.
    tested, most_missed : int
        How many of the lowest lines are tested, and how many of them a cell may leave.
    volumes : ndarray, shape (2,)
        Least and largest volume [angstrom^3].
    crowd : float
        Families of planes in a unit of Q^(3/2) and of volume: how many lines a cell has by chance near any place.
    found, scores : ndarray
        Cells kept, shape (most, size), and how much their lines say.

    Returns
    -------
    int
        How many were kept.
    """
    kept = 0
    cell = np.zeros(5)
    best = np.zeros(3)
    right = np.zeros(size)
    matrix = np.zeros((size, size))
    inverse = np.zeros((size, size))
    combinations = 1
    for _ in range(size):
        combinations *= options.shape[0]
    for code in range(combinations):
        rest = code
        for place in range(size):
            for column in range(size):
                matrix[place, column] = options[rest % options.shape[0], column]
            rest //= options.shape[0]
        if not _invert(matrix, inverse, size):
            continue
        for base in range(bases.shape[0]):
            for place in range(size):
                right[place] = 0.0
                for column in range(size):
                    right[place] += inverse[place, column] * q[bases[base, column]]
            if not _is_conventional(kind, right):
                continue
            _widened(kind, right, cell)
            volume = _volume(cell)
            if not volumes[0] <= volume <= volumes[1]:
                continue
            loose = slack[bases[base, 0]] / q[bases[base, 0]]  # relative, of a cell that hangs on the lowest line
            score = _said(cell, volume, q, slack, loose, tested, most_missed, crowd, best)
            if score > 0.0:
                kept = _keep(right, score, kept, code, found, scores)
    return kept


@compiled
def settle_cells(
    kind: int,
    size: int,
    q: Any,
    slack: Any,
    error: Any,
    steepness: Any,
    shift_sigma: float,
    first: int,
    crowd: float,
    numbers: Any,
    shifts: Any,
    scores: Any,
) -> None:
    """Fit cells to the lines near their reflections, the low lines first, with a shift of all angles.

    Parameters
    ----------
    kind, size, q, slack, crowd
        As for `try_cells`; `slack` is by how much a line may be off a cell that is right but for the shift.
    error, steepness : ndarray, shape (n,)
        Standard deviation of Q, and dQ by an angle [1/angstrom^2/deg].
    shift_sigma : float
        What is known of the shift beforehand [deg].
    first : int
        Lines of the first fit; all are used in the end.
    numbers, shifts, scores : ndarray
        Cells, shifts [deg] and what their lines say: changed in place.
    """
    lines = q.shape[0]
    cell = np.zeros(5)
    best = np.zeros(3)
    row = np.zeros(size + 1)
    matrix = np.zeros((size + 1, size + 1))
    right = np.zeros(size + 1)
    for one in range(numbers.shape[0]):
        score = 0.0
        shift = shifts[one]
        for step in range(6):
            used = lines if step >= 2 else (first if step == 0 else (first + lines) // 2)
            matrix[:, :] = 0.0
            right[:] = 0.0
            matrix[size, size] = 1.0 / shift_sigma**2
            _widened(kind, numbers[one], cell)
            volume = _volume(cell)
            if volume <= 0.0:
                score = 0.0
                break
            score = 0.0
            for line in range(used):
                allowed = slack[line] if step < 3 else max(4.0 * error[line], 0.25 * slack[line])
                at = q[line] - shift * steepness[line]
                away = _nearest(at, cell, best, 0.0)
                chance = min(0.95, crowd * volume * math.sqrt(q[line]) * 5.0 * error[line])
                if away > allowed:
                    score -= 2.0
                    continue
                score -= math.log(chance) + 0.5 * min((away / error[line]) ** 2, 16.0)
                _factors(kind, best[0], best[1], best[2], row)
                row[size] = steepness[line]
                weight = 1.0 / error[line] ** 2
                for first_place in range(size + 1):
                    right[first_place] += weight * row[first_place] * q[line]
                    for second_place in range(size + 1):
                        matrix[first_place, second_place] += weight * row[first_place] * row[second_place]
            if step == 5:
                break
            # A number that no line speaks of stays as it is.
            for place in range(size):
                small = 1e-9 * matrix[place, place] + 1e-3
                matrix[place, place] += small
                right[place] += small * numbers[one, place]
            if not _solve(matrix, right, size + 1):
                score = 0.0
                break
            for place in range(size):
                numbers[one, place] = right[place]
            shift = right[size]
        shifts[one] = shift
        scores[one] = score


@compiled
def follow_cells(
    form: Any, q: Any, error: Any, steepness: Any, shift: float, rough: float, numbers: Any, scores: Any
) -> None:
    """Fit starting cells to lines by known reflections only, the low lines first; a shift of angles is held.

    Parameters
    ----------
    form : ndarray, shape (m, k)
        Factors of the free numbers for the reflections that may be seen.
    q, error, steepness : ndarray, shape (n,)
        Lines by rising Q, standard deviations, and dQ by an angle.
    shift : float
        Of all angles [deg].
    rough : float
        How far a line may be off at first, relative to Q.
    numbers, scores : ndarray
        Starting cells, shape (s, k), changed in place, and how well they end.
    """
    lines, size, count = q.shape[0], numbers.shape[1], form.shape[0]
    matrix = np.zeros((size, size))
    right = np.zeros(size)
    for one in range(numbers.shape[0]):
        score = 0.0
        for step in range(7):
            used = min(lines, max(3 * size, (lines * (step + 1)) // 4))
            matrix[:, :] = 0.0
            right[:] = 0.0
            score = 0.0
            for line in range(used):
                at = q[line] - shift * steepness[line]
                near = 1e30
                which = 0
                for each in range(count):
                    value = 0.0
                    for place in range(size):
                        value += form[each, place] * numbers[one, place]
                    if abs(value - at) < near:
                        near = abs(value - at)
                        which = each
                sigma = max(error[line], rough * q[line] * 0.5**step)
                if near > 3.0 * sigma:
                    continue
                score += 1.0 - (near / (3.0 * sigma)) ** 2
                for first_place in range(size):
                    right[first_place] += form[which, first_place] * at / sigma**2
                    for second_place in range(size):
                        matrix[first_place, second_place] += (
                            form[which, first_place] * form[which, second_place] / sigma**2
                        )
            if step == 6:
                break
            for place in range(size):
                small = 1e-6 * matrix[place, place] + 1e-3
                matrix[place, place] += small
                right[place] += small * numbers[one, place]
            if not _solve(matrix, right, size):
                score = 0.0
                break
            for place in range(size):
                numbers[one, place] = right[place]
        scores[one] = score
