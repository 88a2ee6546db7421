"""HEXRD's instrument (YAML, or HDF5 as ``.hexrd``): one flat panel of it.

HEXRD's laboratory has X to the right and Y up as seen from the sample, and Z against the beam. A panel has its x along
a row and y up, from its middle; rows count down. ``translation`` [mm] is the place of its middle, ``tilt`` [rad] its
rotation as one vector: axis times angle. The beam has an energy [keV] and may come from elsewhere, as two angles. So
HEXRD holds images as orientation 2 has them; comments keep another one, where this program has written it.

References
----------
HEXRD, ``instrument.calc_beam_vec``, ``Detector.pixelToCart``, ``make_beam_rmat``, ``make_rmat_of_expmap``.
"""

from __future__ import annotations

import math
import re
import reprlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.calibration.flat_detector import FlatDetector, said
from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import READER_FAULTS
from lics_beamline.files.strict_toml import MOST_NUMBER
from lics_beamline.geometry.detector_plane import DetectorPlane
from lics_beamline.units import HC_KEV_ANGSTROM

HEXRD_ORIENTATION: Final = 2  # the first pixel at the top left, as seen from the sample
TO_HEXRD: Final = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])  # from up, right, along the beam
MOST_VALUES: Final = 100  # of one entry: a translation has three, a mask millions
LEAST_BEAM_SINE: Final = 1e-6  # between the beam and X, from which azimuths count: parallel, they have no zero


def is_instrument(text: str) -> bool:
    """Tell whether a text has a table of detectors and one of the beam."""
    return all(re.search(rf"^{key}\s*:", text, re.MULTILINE) for key in ("beam", "detectors"))


def instrument_text(detector: FlatDetector) -> str:
    """Return an instrument of one panel.

    Parameters
    ----------
    detector : FlatDetector
        In orientation 2, as HEXRD holds images.

    Raises
    ------
    ProfileError
        If the shape of the image is not known.
    """
    from scipy.spatial.transform import Rotation

    if detector.shape is None:
        raise ProfileError(
            "HEXRD counts from the middle of the image, whose shape is not known. Give --shape ROWS COLUMNS."
        )
    (rows, columns), (height, width) = detector.shape, detector.pixel_mm
    middle = np.array(
        [
            0.5 * rows * height - detector.plane.poni1_mm,
            0.5 * columns * width - detector.plane.poni2_mm,
            detector.plane.distance_mm,
        ]
    )
    x, y, z = (said(each) for each in TO_HEXRD @ detector.rotation @ middle)
    turn = Rotation.from_matrix(TO_HEXRD @ detector.rotation @ TO_HEXRD.T).as_rotvec()
    a, b, c = (said(each) for each in turn)
    return f"""\
beam:
  energy: {said(HC_KEV_ANGSTROM / detector.wavelength_angstrom)}
  vector:
    azimuth: 90.0
    polar_angle: 90.0
detectors:
  detector:
    detector_type: planar
    buffer: null
    pixels:
      columns: {columns}
      rows: {rows}
      size: [{said(height)}, {said(width)}]
    transform:
      tilt: [{a}, {b}, {c}]
      translation: [{x}, {y}, {z}]
id: instrument
oscillation_stage:
  chi: 0.0
  translation: [0.0, 0.0, 0.0]
"""


def instrument_of_yaml(text: str, *, source: str) -> Any:
    """Return what the YAML of an instrument says.

    Raises
    ------
    ProfileError
        If it is no YAML.
    """
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ProfileError(f"{source}: not readable as YAML: {reason}. Mend it.", file=source) from None


def instrument_of_hdf5(path: Path) -> Any:
    """Return what a ``.hexrd`` file says, like YAML would; masks and other large arrays are left out.

    Raises
    ------
    ProfileError
        If it is no HDF5, or has no instrument in it.
    """
    import h5py

    found: dict[str, Any] = {}

    def keep(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or not item.size or item.size > MOST_VALUES:
            return
        *groups, key = name.split("/")
        table = found
        for group in groups:
            table = table.setdefault(group, {})
        value = np.asarray(item.asstr()[()] if item.dtype.kind in "OS" else item[()])
        table[key] = value.tolist() if value.size > 1 else value.item()

    try:
        with h5py.File(path, "r") as file:
            if "instrument" not in file or not isinstance(file["instrument"], h5py.Group):
                raise ProfileError(f"{path}: has no instrument of HEXRD in it. Give another file.", file=str(path))
            file["instrument"].visititems(keep)
    except READER_FAULTS as error:
        if isinstance(error, ProfileError):
            raise
        raise ProfileError(f"{path}: not readable as HEXRD's HDF5: {error}. Restore it.", file=str(path)) from None
    return found


def detector_of_instrument(content: Any, *, source: str, panel: str | None = None) -> FlatDetector:
    """Return one panel of an instrument.

    Parameters
    ----------
    content : Any
        What the file says.
    source : str
        Where it comes from, for messages.
    panel : str, optional
        Its name, where there are several.

    Raises
    ------
    ProfileError
        If a key is missing, or it says what a PONI geometry cannot: a distortion, a bent panel, a beam that diverges,
        a sample off the origin.
    """
    from scipy.spatial.transform import Rotation

    told = _Told(content, source)
    panels = told.value("detectors")
    if not isinstance(panels, dict) or (panel is None and len(panels) != 1) or (panel and panel not in panels):
        names = ", ".join(map(str, panels)) if isinstance(panels, dict) else repr(panels)
        raise ProfileError(f"{source}: which panel is meant? Give --panel NAME, one of: {names:.300}.", file=source)
    name = panel or next(iter(panels))
    _refuse(told, name)
    beam = _direction(*told.numbers("beam.vector.azimuth", 1), *told.numbers("beam.vector.polar_angle", 1))
    across = np.cross(beam, [-1.0, 0.0, 0.0])  # Y of the beam's frame: Z x X, where Z is against the beam
    if np.linalg.norm(across) < LEAST_BEAM_SINE:
        raise ProfileError(
            f"{source}: the beam runs along X, from which azimuths count. Turn the laboratory.", file=source
        )
    across = across / np.linalg.norm(across)
    frame = np.stack([np.cross(across, -beam), across, -beam])
    at = f"detectors.{name}"
    translation = frame @ np.array(told.numbers(f"{at}.transform.translation", 3))
    turn = Rotation.from_rotvec(told.numbers(f"{at}.transform.tilt", 3)).as_matrix()
    rotation = TO_HEXRD.T @ frame @ turn @ TO_HEXRD
    height, width = told.numbers(f"{at}.pixels.size", 2)
    rows, columns = (told.numbers(f"{at}.pixels.{side}", 1)[0] for side in ("rows", "columns"))
    energy_kev = told.numbers("beam.energy", 1)[0]
    if energy_kev <= 0.0 or rows != int(rows) or columns != int(columns):
        raise ProfileError(
            f"{source}: {energy_kev:g} keV, {rows:g} rows, {columns:g} columns: of no beam and detector. Mend it.",
            file=source,
        )
    middle = rotation.T @ (TO_HEXRD.T @ translation)
    orientation = HEXRD_ORIENTATION
    if middle[2] < 0.0:  # seen from behind: the same panel turned over, its rows from the other side
        over = np.diag([-1.0, 1.0, -1.0])
        rotation, middle, orientation = rotation @ over, over @ middle, 3
    return FlatDetector(
        plane=DetectorPlane(
            distance_mm=float(middle[2]),
            poni1_mm=float(0.5 * rows * height - middle[0]),
            poni2_mm=float(0.5 * columns * width - middle[1]),
            rot1_rad=math.atan2(-rotation[2, 1], rotation[2, 2]),
            rot2_rad=math.atan2(rotation[2, 0], math.hypot(rotation[0, 0], rotation[1, 0])),
        ),
        rot3_rad=math.atan2(rotation[1, 0], rotation[0, 0]),
        wavelength_angstrom=HC_KEV_ANGSTROM / energy_kev,
        pixel_mm=(height, width),
        shape=(int(rows), int(columns)),
        orientation=orientation,
    )


class _Told:
    """What a YAML file says, by dotted path."""

    def __init__(self, content: Any, source: str) -> None:
        self._content, self._source = content, source

    def value(self, path: str, default: Any = None) -> Any:
        found = self._content
        for part in path.split("."):
            if not isinstance(found, dict) or part not in found:
                if default is not None:
                    return default
                raise ProfileError(f"{self._source}: has no {path}. Complete it.", file=self._source)
            found = found[part]
        return found

    def numbers(self, path: str, count: int, default: Any = None) -> tuple[float, ...]:
        value = self.value(path, default)
        numbers = value if isinstance(value, list) else [value]
        sound = all(isinstance(each, (int, float)) and abs(each) <= MOST_NUMBER for each in numbers)
        if len(numbers) != count or not sound or any(isinstance(each, bool) for each in numbers):
            raise ProfileError(
                f"{self._source}: {path} = {reprlib.repr(value):.60} is not "
                f"{'a number' if count == 1 else f'{count} numbers'}. Mend it.",
                file=self._source,
            )
        return tuple(float(each) for each in numbers)

    def refuse(self, what: str) -> None:
        raise ProfileError(f"{self._source}: {what}. It is not corrected for here.", file=self._source)


def _refuse(told: _Told, name: str) -> None:
    """Refuse what a PONI geometry cannot hold."""
    panel = told.value(f"detectors.{name}")
    if not isinstance(panel, dict):
        told.refuse(f"detectors.{name} is no table")
    if panel.get("distortion"):
        distortion = reprlib.repr(panel["distortion"])
        told.refuse(f"panel {name} has a distortion ({distortion:.80}), which a plain detector has not")
    if panel.get("detector_type", "planar") != "planar":
        told.refuse(f"panel {name} is {reprlib.repr(panel['detector_type']):.30}, not flat")
    if told.value(f"detectors.{name}.pixels.roi", False):
        told.refuse(f"panel {name} is a part of an image (roi)")
    if any(told.numbers("oscillation_stage.translation", 3, [0.0, 0.0, 0.0])):
        told.refuse("oscillation_stage.translation is not zero: the sample is off the origin")
    distance = told.value("beam.source_distance", math.inf)
    if distance not in (math.inf, "inf", ".inf"):
        told.refuse(f"beam.source_distance = {reprlib.repr(distance):.30} mm: the beam diverges")


def _direction(azimuth_deg: float, polar_deg: float) -> npt.NDArray[np.float64]:
    """Return the direction in which the beam runs, from where it comes by two angles."""
    azimuth, polar = math.radians(azimuth_deg), math.radians(polar_deg)
    return -np.array([math.sin(polar) * math.cos(azimuth), math.cos(polar), math.sin(polar) * math.sin(azimuth)])
