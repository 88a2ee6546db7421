"""Patterns that another program integrated, in place of frames: how their files are read, said once for a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lics_beamline import schema
from lics_beamline.errors import ReductionFailed
from lics_beamline.files.strict_toml import Strict, validate
from lics_beamline.frames.frame_digest import frame_digest
from lics_beamline.patterns.even_steps import on_grid
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.patterns.pattern_file import SAME_WAVELENGTH, read_pattern
from lics_beamline.patterns.second_line import without_second_line
from lics_beamline.reduction.image_record import ImageRecord
from lics_beamline.reduction.recipe import Frames, Recipe


class PatternReading(Strict):
    """How the files of a run's patterns are read, so that they are read again alike.

    Parameters
    ----------
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    second_angstrom : float, optional
        A second wavelength, longer and half as strong [angstrom], whose lines are taken off: K-alpha 2 of a tube.
    unit : {"2theta", "q", "q-nm", "d"}, optional
        Their abscissa; None for what each file says.
    errors : {"file", "counts", "scatter"}, optional
        Their standard errors; None for those of each file, else of counting or of scatter.
    columns : tuple of int, optional
        Numbers of the columns, from 1.
    """

    wavelength_angstrom: float = Field(gt=0.0)
    second_angstrom: float | None = Field(default=None, gt=0.0)
    unit: Literal["2theta", "q", "q-nm", "d"] | None = None
    errors: Literal["file", "counts", "scatter"] | None = None
    columns: tuple[int, ...] | None = None


def patterns_of(imported: Mapping[str, Any], *, source: str) -> PatternReading | None:
    """Return how patterns of an imported run are read; None where it has frames.

    Raises
    ------
    ProfileError
        If what is recorded of it is none.
    """
    return validate(imported[schema.PATTERNS], PatternReading, source=source) if schema.PATTERNS in imported else None


def bin_centres_deg(frames: Frames) -> npt.NDArray[np.float64]:
    """Return the middles of the bins of a recipe [deg]."""
    low, high = frames.two_theta_deg
    return np.asarray(low + (np.arange(frames.bins) + 0.5) * ((high - low) / frames.bins), dtype=np.float64)


def pattern_of(taken: ImageRecord, reading: PatternReading, recipe: Recipe) -> Pattern:
    """Return a pattern of a run on the bins of a recipe, verified against what was recorded of its file.

    Raises
    ------
    ReductionFailed
        If the file is missing, another one or outside the data folder, or the recipe is of another wavelength.
    ProfileError
        If it cannot be read as a pattern.
    """
    root, path = taken.root, taken.path
    if path == root or not path.is_relative_to(root):
        raise ReductionFailed(f"the pattern {path} lies outside the data folder. Restore the run's own files.")
    ours, theirs = recipe.geometry.wavelength_angstrom, reading.wavelength_angstrom
    if abs(ours / theirs - 1.0) > SAME_WAVELENGTH:
        raise ReductionFailed(
            f"the recipe is of {ours:g} angstrom, and the patterns were measured at {theirs:g}. Give a recipe with a "
            "geometry of that wavelength.",
            recipe_angstrom=ours,
            pattern_angstrom=theirs,
        )
    if frame_digest(path) != taken.sha256:
        raise ReductionFailed(f"{path.name} has changed since it was imported. Restore it.", path=str(path))
    given = read_pattern(
        path,
        wavelength_angstrom=theirs,
        unit=reading.unit,
        errors=reading.errors,
        columns=reading.columns,
        chosen=taken.dataset or None,
    )
    pattern = given.pattern
    if reading.second_angstrom is not None:
        pattern = without_second_line(pattern, reading.second_angstrom)
    return on_grid(pattern, bin_centres_deg(recipe.frames))
