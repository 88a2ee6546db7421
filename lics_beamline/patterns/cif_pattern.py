"""Patterns as powder CIF has them: measured counts or processed intensities over 2theta or d.

References
----------
B. H. Toby, International Tables for Crystallography G (2006), ch. 3.3 and 4.2: the powder dictionary. The weight of a
point is one over its variance; a standard uncertainty stands in brackets behind its value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.patterns.pattern_table import Abscissa, PatternTable, refused

if TYPE_CHECKING:
    from gemmi import cif

Array = npt.NDArray[np.float64]

# By falling preference: processed before measured, as a file with both says what it was refined from.
COUNTED: Final = ("_pd_meas_counts_total",)
INTENSITIES: Final = (
    "_pd_proc_intensity_total",
    "_pd_proc_intensity_net",
    "_pd_meas_counts_total",
    "_pd_meas_intensity_total",
    "_pd_meas_intensity_net",
)
ABSCISSAE: Final[tuple[tuple[str, Abscissa], ...]] = (
    ("_pd_proc_2theta_corrected", "2theta"),
    ("_pd_meas_2theta_scan", "2theta"),
    ("_pd_proc_d_spacing", "d"),
)
MEASURES: Final = ("_pd_meas_step_count_time", "_pd_meas_counts_monitor")  # what counts are counted by
SAME_MEASURE: Final = 0.05  # relative: a monitor follows the beam a little, and its noise
FLIGHT: Final = ("_pd_meas_time_of_flight", "_pd_proc_time_of_flight")
OF_NEUTRONS: Final = "a pattern of neutrons: cells mean something, intensities of structures are those of X-rays here"
WEIGHT: Final = "_pd_proc_ls_weight"
ERRORS: Final = ("_pd_proc_intensity_total_su", "_pd_meas_intensity_total_su", "_pd_meas_counts_total_su")
RANGES: Final = ("_pd_proc_2theta_range", "_pd_meas_2theta_range")


def parse_cif(text: str, *, source: str, chosen: str | None = None) -> PatternTable:
    """Read a pattern from powder CIF.

    Parameters
    ----------
    text : str
        The file.
    source : str
        Its name, for messages.
    chosen : str, optional
        Name of the data block, where several have a pattern.

    Raises
    ------
    ProfileError
        If it is no CIF, has no pattern or several, or one of time of flight.
    """
    from gemmi import cif

    try:
        document = cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        raise refused(source, f"is no CIF: {str(error)[:120]}. Restore it.") from None
    blocks = {block.name: block for block in document if any(_column(block, tag) for tag in INTENSITIES)}
    if not blocks:
        raise refused(
            source,
            "has no pattern: no _pd_meas_ or _pd_proc_ intensities. A CIF of a structure goes to --phases.",
            reason="no pattern",
        )
    if (chosen or next(iter(blocks))) not in blocks or (chosen is None and len(blocks) > 1):
        raise refused(
            source,
            f"has patterns in the blocks {', '.join(blocks)}. Choose one by --pattern NAME.",
            blocks=list(blocks),
        )
    return _table(blocks[chosen or next(iter(blocks))], source)


def _table(block: cif.Block, source: str) -> PatternTable:
    if any(_column(block, tag) for tag in FLIGHT):
        raise refused(
            source,
            "is a time-of-flight pattern, and only patterns of one wavelength are fitted here. Use GSAS-II for it.",
            reason="time of flight",
        )
    tag = next(tag for tag in INTENSITIES if _column(block, tag))
    words = _column(block, tag)
    values = [_value(word, source, tag) for word in words]
    intensity, errors = np.array(values, dtype=np.float64).T
    _check_alike(block, tag, len(words), source)
    abscissa, unit = _abscissa(block, len(words), source)
    sigma = _sigma(block, errors, len(words), source)
    return PatternTable(
        layout="powder CIF",
        abscissa=abscissa,
        intensity=intensity,
        sigma=sigma,
        unit=unit,
        wavelengths_angstrom=_wavelengths(block, source),
        counted=tag in COUNTED,
        remarks=(OF_NEUTRONS,) if "neutron" in (block.find_value("_diffrn_radiation_probe") or "").lower() else (),
    )


def _check_alike(block: cif.Block, tag: str, count: int, source: str) -> None:
    """Refuse what was counted for different times, or under different light, and is not brought to one."""
    for each in MEASURES if tag in COUNTED else ():
        words = _column(block, each)
        values = np.array([_value(word, source, each)[0] for word in words]) if len(words) == count else np.ones(1)
        if np.ptp(values) > SAME_MEASURE * np.max(np.abs(values)):
            raise refused(
                source,
                f"has counts of points whose {each} is from {values.min():g} to {values.max():g}. Divide them by it, "
                "and give them as _pd_proc_intensity_total with their errors.",
                tag=each,
            )


def _column(block: cif.Block, tag: str) -> list[str]:
    """Return the values of a loop; nothing for a single pair, which is no pattern."""
    return list(block.find_values(tag)) if block.find_loop(tag) else []


def _value(word: str, source: str, tag: str) -> tuple[float, float]:
    """Return a number and its standard uncertainty; NaN for what is not given."""
    if word in ("?", "."):
        return float("nan"), float("nan")
    number, _, bracket = word.partition("(")
    try:
        value = float(number)
        if not bracket:
            return value, float("nan")
        decimals = len(number.partition(".")[2]) if "e" not in number.lower() else 0
        return value, float(bracket.rstrip(")")) * 10.0**-decimals
    except ValueError:
        raise refused(source, f"{tag} has {word[:30]!r}, which is no number. Restore the file.", tag=tag) from None


def _abscissa(block: cif.Block, count: int, source: str) -> tuple[Array, Abscissa]:
    for tag, unit in ABSCISSAE:
        words = _column(block, tag)
        if len(words) == count:
            return np.array([_value(word, source, tag)[0] for word in words]), unit
    for stem in RANGES:
        pairs = [block.find_value(f"{stem}_{end}") for end in ("min", "max", "inc")]
        if all(pairs):
            low, high, step = (_value(str(word), source, stem)[0] for word in pairs)
            if step > 0.0 and round((high - low) / step) + 1 == count:
                return np.asarray(low + step * np.arange(count), dtype=np.float64), "2theta"
            raise refused(
                source,
                f"{stem}_min, _max and _inc say {low:g} to {high:g} deg by {step:g}, which is not {count} points. "
                "Restore the file.",
                points=count,
            )
    raise refused(
        source, "has intensities and no 2theta or d beside them. Add _pd_meas_2theta_range_min, _max and _inc."
    )


def _sigma(block: cif.Block, errors: Array, count: int, source: str) -> Array | None:
    weights = _column(block, WEIGHT)
    if len(weights) == count:
        weight = np.array([_value(word, source, WEIGHT)[0] for word in weights])
        return np.where(weight > 0.0, np.maximum(weight, 1e-300) ** -0.5, np.where(weight == 0.0, np.nan, weight))
    for tag in ERRORS:
        words = _column(block, tag)
        if len(words) == count:
            return np.array([_value(word, source, tag)[0] for word in words])
    return errors if np.isfinite(errors).any() else None


def _wavelengths(block: cif.Block, source: str) -> tuple[float, ...]:
    words = list(block.find_values("_diffrn_radiation_wavelength")) or list(
        block.find_values("_diffrn_radiation_wavelength.wavelength")
    )
    values = [_value(word, source, "_diffrn_radiation_wavelength")[0] for word in words]
    return tuple(dict.fromkeys(value for value in values if np.isfinite(value)))
