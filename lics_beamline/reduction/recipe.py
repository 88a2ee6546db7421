"""The recipe: everything that turns a frame and a ruby spectrum into a pattern, a pressure and phases, as one value.

A recipe travels whole in start documents, so a run can be reduced again with no other file than its plates. Two recipes
that say the same have the same digest, whatever the order and format of the files they were read from.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import Field, field_validator

from lics_beamline.calibration.calibration_record import read_record
from lics_beamline.calibration.flat_places import flat_places
from lics_beamline.errors import ProfileError
from lics_beamline.files.strict_toml import Digested, Strict, parse, validate
from lics_beamline.frames.mask_file import read_mask
from lics_beamline.frames.plate import Fading, Ghost
from lics_beamline.frames.plate_calibration import read_plate_calibration
from lics_beamline.frames.static_image import MOST_MASKED, StaticImage, StaticMask
from lics_beamline.geometry.geometry import Geometry, read_geometry
from lics_beamline.integration.integration import Integration
from lics_beamline.phases.phase import CrystalPhase, default_phases, named_phase
from lics_beamline.physics.ruby_chip import RubyChip
from lics_beamline.reduction.ruby import RubyReduction

REDUCTION_REVISION: Final = 18  # raised whenever the same raw run and recipe give other numbers


logger = logging.getLogger(__name__)

MOST_PHASES: Final = 100  # each is sought in each pattern


class Frames(Strict):
    """Settings of the integration of frames.

    Parameters
    ----------
    bins : int
        Number of bins, 10 to 20 000.
    two_theta_deg : tuple of float
        Range [deg].
    polarisation : float
        Degree of horizontal linear polarisation, -1 to 1.
    clip_sigma, clip_iterations : float, int
        Spots are pixels farther than this from the mean of their ring, 3 to 100 standard deviations, in at most so many
        passes; 0 rejects none.
    shadow_fraction : float
        Blocks dimmer than this fraction of their ring are masked; 0 masks none.
    point_spread : bool
        Measure how the reader's point spread correlates pixels and enlarge the errors accordingly.
    mask_saturated : bool
        Mask pixels at the limit of the plate reader.
    graininess : bool
        Measure how unevenly the grains fill the rings.
    """

    bins: int = Field(2500, ge=10, le=20_000)
    two_theta_deg: tuple[float, float] = (3.0, 31.0)
    polarisation: float = Field(0.99, ge=-1.0, le=1.0)
    clip_sigma: float = Field(5.0, ge=0.0, le=100.0)
    clip_iterations: int = Field(5, ge=0, le=50)
    shadow_fraction: float = Field(0.5, ge=0.0, lt=1.0)
    point_spread: bool = True
    mask_saturated: bool = True
    graininess: bool = True

    @field_validator("two_theta_deg")
    @classmethod
    def _rises(cls, pair: tuple[float, float]) -> tuple[float, float]:
        if not 0.0 <= pair[0] < pair[1] <= 180.0:
            raise ValueError(f"{list(pair)} is no range: lower below upper, within 0-180 deg")
        return pair

    @field_validator("clip_sigma")
    @classmethod
    def _clips_spots_or_nothing(cls, sigma: float) -> float:
        if 0.0 < sigma < 3.0:
            raise ValueError(f"{sigma:g} would reject pixels of every ring: 3 to 100, or 0 to reject none")
        return sigma

    def integration(self, plate: PlateCorrections) -> Integration:
        """Return what the integrator takes; `plate` has the detector's mask, dark and flat."""
        return Integration(
            bins=self.bins,
            two_theta_deg=self.two_theta_deg,
            polarisation=self.polarisation,
            clip_sigma=self.clip_sigma,
            clip_iterations=self.clip_iterations,
            shadow_fraction=self.shadow_fraction,
            point_spread=self.point_spread,
            mask=plate.mask,
            dark=plate.dark,
            flat=plate.flat,
        )


class PlateCorrections(Strict):
    """Effects of the detector on an image that are undone. All of it is off by default.

    Parameters
    ----------
    fading : Fading, optional
        How an image plate fades; in a file, ``calibration`` names the calibration that holds it.
    ghosts : tuple of Ghost
        What erasing leaves, for each plate; in a file, from the same calibration.
    calibration_digest : str
        Digest of the calibration these come from; empty where there is none.
    mask : StaticMask, optional
        Pixels never to be used; in a file, the name of an image that is 0 where a pixel is good.
    dark, flat : StaticImage, optional
        Taken off every frame, and the relative response of every pixel; in a file, names of images.
    """

    fading: Fading | None = None
    ghosts: tuple[Ghost, ...] = ()
    calibration_digest: str = ""
    mask: StaticMask | None = None
    dark: StaticImage | None = None
    flat: StaticImage | None = None

    @field_validator("ghosts")
    @classmethod
    def _one_a_plate(cls, ghosts: tuple[Ghost, ...]) -> tuple[Ghost, ...]:
        if len({ghost.plate for ghost in ghosts}) != len(ghosts):
            raise ValueError("a plate has two ghosts: give one for each")
        return ghosts

    def ghost(self, plate: int) -> Ghost | None:
        """Return the ghost of a plate; None where it was not measured."""
        return next((ghost for ghost in self.ghosts if ghost.plate == plate), None)


class Recipe(Digested):
    """Everything that turns a measured point into a reduced one.

    Parameters
    ----------
    geometry : Geometry
        Calibrated detector geometry; in a file, the name of a PONI file beside it.
    frames : Frames
        How frames are integrated.
    plate : PlateCorrections
        What the detector does to an image, and is undone.
    ruby : RubyReduction
        How pressure and temperature are read.
    phases : tuple of CrystalPhase
        What may be in the beam, each with its structure; in a file, names of the library or of files beside the recipe.
    peak_significance : float
        Least height of a peak over its error.
    """

    geometry: Geometry
    frames: Frames = Frames()
    plate: PlateCorrections = PlateCorrections()
    ruby: RubyReduction = RubyReduction()
    phases: tuple[CrystalPhase, ...] = Field(default_factory=default_phases, max_length=MOST_PHASES)
    peak_significance: float = Field(5.0, ge=3.0, le=100.0)

    def integration(self) -> Integration:
        """Return what the integrator takes."""
        return self.frames.integration(self.plate)

    def with_reference(self, r1_nm: float, temperature_k: float, r1_sigma_nm: float) -> Recipe:
        """Return the recipe with the unshifted ruby line as it was read before a run.

        Parameters
        ----------
        r1_nm, r1_sigma_nm : float
            R1 at ambient pressure in air and its standard deviation [nm].
        temperature_k : float
            Temperature it was read at [K].

        Raises
        ------
        ProfileError
            If the line cannot be a reference.
        """
        return self.model_copy(update={"ruby": self.ruby.with_reference(r1_nm, temperature_k, r1_sigma_nm)})

    def with_chip(self, chip: RubyChip | None) -> Recipe:
        """Return the recipe with the chip in a cell as it was read before loading; with none, the recipe's own.

        Raises
        ------
        ProfileError
            If the recipe checks its axis in a way that this reading of the chip does not support.
        """
        if chip is None:
            return self
        ruby = self.ruby.model_dump(exclude_unset=True) | {"chip": chip.model_dump()}
        return self.model_copy(update={"ruby": validate(ruby, RubyReduction, source="ruby chip")})

    def for_run(self, recorded: Recipe) -> Recipe:
        """Return the recipe with the reference line and the chip read for a run, unless it names them itself.

        Parameters
        ----------
        recorded : Recipe
            The recipe the run was recorded with. Its chip is taken over where this recipe's `axis` supports it.
        """
        chip, ruby = recorded.ruby.chip, recorded.ruby
        supported = chip is not None and (chip.ambient_wavelength_nm is not None or self.ruby.axis == "neon")
        recipe = self.with_chip(chip) if supported and self.ruby.chip is None else self
        if "reference_wavelength_nm" in self.ruby.model_fields_set:
            return recipe
        return recipe.with_reference(
            ruby.reference_wavelength_nm, ruby.reference_temperature_k, ruby.reference_sigma_nm
        )


def recipe_of(content: dict[str, Any], *, source: str = "start document") -> Recipe:
    """Return the recipe that a document carries.

    Raises
    ------
    ProfileError
        If it is no recipe.
    """
    return validate(content, Recipe, source=source)


def read_recipe(path: str | Path, *, geometry: Geometry | None = None) -> Recipe:
    """Read a recipe from a TOML file. PONI file, plate calibration, mask, dark and flat are named relative to it.

    Parameters
    ----------
    path : str or Path
        The file.
    geometry : Geometry, optional
        Instead of its own, such as a calibration of today.

    Raises
    ------
    ProfileError
        If a file is missing or a value cannot be used; the message names file, key, value and what is allowed.
    """
    path = Path(path)
    content = parse(path, what="a recipe")
    if isinstance(content.get("geometry"), str):
        content["geometry"] = {"poni": _geometry_in(path.parent / content["geometry"]).poni}
    if isinstance(content.get("phases"), list):
        content["phases"] = [
            named_phase(phase, path.parent).model_dump() if isinstance(phase, str) else phase
            for phase in content["phases"]
        ]
    if isinstance(content.get("plate"), dict):
        content["plate"] = _with_its_files(content["plate"], path.parent, geometry or _geometry_of(content))
    recipe = recipe_of(content, source=str(path))
    names = [phase.name for phase in recipe.phases]
    if twice := sorted({name for name in names if names.count(name) > 1}):  # a run that was recorded so opens still
        raise ProfileError(
            f"{path}: phases: {', '.join(twice)} is there twice: equal patterns share their lines in any proportion. "
            "Name it once.",
            file=str(path),
        )
    return recipe if geometry is None else recipe.model_copy(update={"geometry": geometry})


def _geometry_in(path: Path) -> Geometry:
    """Read a geometry from a PONI file, or from the record of a calibration."""
    return read_record(path).geometry if path.suffix == ".json" else read_geometry(path)


def _geometry_of(content: dict[str, Any]) -> Geometry | None:
    """Return the geometry of a recipe that is not judged yet; None where it has none."""
    try:
        return Geometry.model_validate(content.get("geometry"))
    except ValueError:
        return None


def _with_its_files(plate: dict[str, Any], folder: Path, geometry: Geometry | None) -> dict[str, Any]:
    """Return the plate section with the content of the files it names."""
    content = dict(plate)
    if isinstance(content.get("calibration"), str):
        calibration = read_plate_calibration(folder / content.pop("calibration"))
        content = {
            "fading": calibration.fading.model_dump(),
            "ghosts": tuple(ghost.model_dump() for ghost in calibration.ghosts),
            "calibration_digest": calibration.digest,
        } | content
    if isinstance(content.get("mask"), str):
        places = None if geometry is None else partial(flat_places, geometry)
        mask = read_mask(folder / content["mask"], places=places)
        if mask.share > MOST_MASKED:
            logger.warning(
                "the mask %s takes %.1f %% of the pixels. A mask is 0 where a pixel is good: if this one is the other "
                "way round, turn it.",
                folder / content["mask"],
                100.0 * mask.share,
            )
        content["mask"] = mask.model_dump()
    for key in ("dark", "flat"):
        if isinstance(content.get(key), str):
            content[key] = StaticImage.of(folder / content[key]).model_dump()
    return content
