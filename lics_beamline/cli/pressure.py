"""The verb that turns a spectrum of ruby or samarium into a pressure: a text file in, a value with its budget out."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.cli.argument import count, kelvin, pathname, real
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.errors import BadReading, OutsideCalibration, ProfileError
from lics_beamline.files.given_file import SPE_BYTES, SPECTRUM_BYTES, read_bytes
from lics_beamline.physics.air import MEDIA, in_air_nm
from lics_beamline.physics.pressure import Pressure
from lics_beamline.physics.thermocouple import TYPE_K_CLASS_1_K

if TYPE_CHECKING:
    from lics_beamline.physics.ruby_line import RubyLine
    from lics_beamline.physics.spectrum_text import SpectrumText


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrumRow:
    """The same line on another scale or by another correction.

    Parameters
    ----------
    scale, correction : str
        Scale and temperature correction that are chosen.
    gpa : float or None
        Pressure [GPa]; None where it is outside the range of the scale.
    """

    scale: str
    correction: str
    gpa: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrumPressure:
    """What a spectrum said.

    Parameters
    ----------
    lines : dict
        Fitted lines by name: wavelength, its error and width [nm].
    reduced_chi2, asymmetry_per_nm : float
        Of the fit.
    resolved : bool
        Whether the spectrum tells the lines apart.
    doubt : str
        Why the fit is to be looked at; empty where it is good.
    pressure : Pressure
        Pressure by the scale and correction that were asked for.
    table : list of SpectrumRow
        The same by every other scale and correction.
    """

    lines: dict[str, tuple[float, ...]]
    reduced_chi2: float
    asymmetry_per_nm: float
    pressure: Pressure
    table: list[SpectrumRow]
    resolved: bool = True
    doubt: str = ""


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "pressure",
        parents=[shared],
        help="read the pressure from a spectrum of ruby or samarium",
        description="Fit the lines of a spectrum (text, two columns: nm and counts; headers and comments are passed "
        "over; or SPE of WinSpec and LightField) and print the pressure with its statistical error, every systematic "
        "term, and the same line on every scale and by every temperature correction that is valid.",
    )
    verb.add_argument("spectrum", type=pathname, metavar="SPECTRUM")
    verb.add_argument("--temperature-k", type=kelvin, required=True, metavar="T", help="temperature of the crystal [K]")
    verb.add_argument(
        "--temperature-sigma-k",
        type=real(0.0, 1000.0, "K"),
        default=TYPE_K_CLASS_1_K,
        metavar="S",
        help=f"its standard deviation [K] (default {TYPE_K_CLASS_1_K:g}, type K of class 1)",
    )
    verb.add_argument("--gauge", choices=("ruby", "samarium"), default="ruby", help="crystal (default ruby)")
    verb.add_argument("--scale", metavar="NAME", help="pressure scale (default: ruby_shen_2020)")
    verb.add_argument("--correction", metavar="NAME", help="temperature correction (default: datchi-2007)")
    verb.add_argument(
        "--reference-nm",
        type=real(100.0, 1e5, "nm"),
        metavar="L",
        help="unshifted line of this crystal, in the medium of the axis [nm] (default: the one published with the "
        "scale)",
    )
    verb.add_argument(
        "--reference-temperature-k",
        type=kelvin,
        default=298.0,
        metavar="T",
        help="temperature of the unshifted line [K] (default 298)",
    )
    verb.add_argument(
        "--chip-to-chip-nm",
        type=real(0.0, 100.0, "nm"),
        metavar="S",
        help="scatter of unshifted lines [nm]; 0 where the crystal in the cell was read at ambient itself",
    )
    verb.add_argument(
        "--medium",
        choices=MEDIA,
        help="what the wavelengths of the file are stated in (default air; asked for where a heading speaks of a "
        "vacuum); taking one for the other is 0.5 GPa",
    )
    verb.add_argument(
        "--neon", type=pathname, metavar="FILE", help="spectrum of a neon lamp that the axis is mended by"
    )
    verb.add_argument(
        "--saturation-counts",
        type=real(1e-100, 1e15, "counts"),
        metavar="N",
        help="count of a full pixel, where it is known",
    )
    verb.add_argument(
        "--columns",
        type=count,
        nargs=2,
        metavar=("NM", "COUNTS"),
        help="columns of wavelength and counts in a text with more than two, from 1",
    )
    verb.add_argument(
        "--frame", type=count, metavar="N", help="which spectrum of a file with several, from 1 (default: 1 of an SPE)"
    )
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=pressure)


def pressure(options: argparse.Namespace) -> int:
    """Read the pressure from a spectrum."""
    spectrum = _read(options.spectrum, options.columns, options.frame)
    if options.medium is None:
        if spectrum.says_vacuum:
            raise ProfileError(
                f"{options.spectrum} speaks of a vacuum. Say by --medium vacuum or air in which its wavelengths are "
                "stated: taking one for the other is 0.5 GPa.",
                file=str(options.spectrum),
            )
        options = argparse.Namespace(**{**vars(options), "medium": "air"})
    note, axis_sigma_nm = "", 0.0
    if options.neon:
        from lics_beamline.physics.neon import check_wavelengths

        lamp = _read(options.neon, options.columns)
        check = check_wavelengths(lamp.wavelength_nm, lamp.counts, medium=options.medium)
        spectrum = replace(spectrum, wavelength_nm=check.corrected_nm(spectrum.wavelength_nm))
        axis_sigma_nm = check.sigma_nm(694.25)  # the error there is that of the lines to a tenth
        note = (
            f"axis      was {check.offset_nm:+.4f} +- {check.offset_sigma_nm:.4f} nm off at 694.25 nm, slope "
            f"{check.slope:+.1e} +- {check.slope_sigma:.0e}, by {len(check.lines)} neon lines; mended\n"
        )
    reading = (_samarium if options.gauge == "samarium" else _ruby)(spectrum, options, axis_sigma_nm)
    if reading.doubt:
        sys.stderr.write(f"warning: {reading.doubt}\n")
    if options.json:
        tell_json(_machine(options, reading))
    else:
        sys.stdout.write(_head(options, spectrum) + note + _text(reading, options))
    return 0


def _read(path: Path, columns: list[int] | None = None, frame: int | None = None) -> SpectrumText:
    if path.suffix.lower() == ".spe":
        from lics_beamline.physics.spe_file import read_spe

        return read_spe(read_bytes(path, most_bytes=SPE_BYTES, what="a spectrum"), source=str(path), frame=frame)
    from lics_beamline.physics.spectrum_text import decoded, parse_spectrum

    content = read_bytes(path, most_bytes=SPECTRUM_BYTES, what="a spectrum")
    chosen = (columns[0], columns[1]) if columns else None
    return parse_spectrum(decoded(content), source=str(path), columns=chosen, frame=frame)


def _chosen(option: str, name: str | None, default: str, allowed: tuple[str, ...]) -> str:
    if name is not None and name not in allowed:
        raise ProfileError(f"{option} {name} does not exist. Choose one of {', '.join(allowed)}.", choice=name)
    return name or default


def _doublet(spectrum: SpectrumText, options: argparse.Namespace) -> RubyLine:
    """Return the doublet near its place at low pressure or, where there is none, up to 150 GPa."""
    from lics_beamline.physics.ruby_spectrum import MEGABAR_SHIFT_NM, RED_LIMIT_NM, fit_doublet

    refusals: list[BadReading] = []
    for highest_shift_nm in (RED_LIMIT_NM, MEGABAR_SHIFT_NM):
        try:
            return fit_doublet(
                spectrum.wavelength_nm,
                spectrum.counts,
                temperature_k=options.temperature_k,
                saturation_counts=options.saturation_counts,
                highest_shift_nm=highest_shift_nm,
            )
        except BadReading as refusal:
            refusals.append(refusal)
    raise (
        refusals[1] if refusals[1].facts["reason"] != "dark" and refusals[0].facts["reason"] == "dark" else refusals[0]
    )


def _ruby(spectrum: SpectrumText, options: argparse.Namespace, axis_sigma_nm: float) -> SpectrumPressure:
    from lics_beamline.physics import ruby

    scale = _chosen("--scale", options.scale, ruby.DEFAULT_SCALE, ruby.scales())
    correction = _chosen("--correction", options.correction, ruby.DEFAULT_CORRECTION, tuple(ruby.CORRECTIONS))
    reference_nm = (
        in_air_nm(options.reference_nm, options.medium) if options.reference_nm else ruby.published_reference_nm(scale)
    )
    ruler = ruby.RubyRuler(
        scale=scale,
        correction=correction,
        reference_wavelength_nm=reference_nm,
        reference_temperature_k=options.reference_temperature_k,
        medium=options.medium,
    )
    if options.chip_to_chip_nm is not None:
        ruler = replace(ruler, chip_to_chip_nm=options.chip_to_chip_nm)
    ruler.unshifted_nm(options.temperature_k)  # outside the range of the correction, no fit is worth a word
    line = _doublet(spectrum, options)
    sigma_nm = math.hypot(line.r1_sigma_nm, axis_sigma_nm)
    result = ruler.pressure(line.r1_nm, sigma_nm, options.temperature_k, options.temperature_sigma_k)
    return SpectrumPressure(
        lines={
            "R1": (line.r1_nm, line.r1_sigma_nm, line.fwhm_nm, line.height_counts),
            "R2": (line.r2_nm, line.r2_sigma_nm, line.r2_fwhm_nm, line.height_counts * line.ratio),
        },
        reduced_chi2=line.reduced_chi2,
        asymmetry_per_nm=line.asymmetry_per_nm,
        pressure=result,
        table=[
            SpectrumRow(
                scale=rival.scale, correction=rival.correction, gpa=_try(rival, line.r1_nm, options.temperature_k)
            )
            for rival in (ruler, *ruler.rivals(options.temperature_k))
        ],
        resolved=line.resolved,
        doubt=line.doubt,
    )


def _samarium(spectrum: SpectrumText, options: argparse.Namespace, axis_sigma_nm: float) -> SpectrumPressure:
    from lics_beamline.physics import samarium

    scale = _chosen("--scale", options.scale, samarium.DEFAULT_SAMARIUM_SCALE, tuple(samarium.SAMARIUM_SCALES))
    _chosen("--correction", options.correction, samarium.SAMARIUM_CORRECTION, (samarium.SAMARIUM_CORRECTION,))
    published_nm = samarium.SAMARIUM_SCALES[scale].reference_wavelength_nm
    ruler = samarium.SamariumRuler(
        scale=scale,
        reference_wavelength_nm=(
            in_air_nm(options.reference_nm, options.medium) if options.reference_nm else published_nm
        ),
        reference_temperature_k=options.reference_temperature_k,
        medium=options.medium,
    )
    if options.chip_to_chip_nm is not None:
        ruler = replace(ruler, chip_to_chip_nm=options.chip_to_chip_nm)
    ruler.unshifted_nm(options.temperature_k)  # outside the range of the correction, no fit is worth a word
    line = samarium.fit_samarium(spectrum.wavelength_nm, spectrum.counts, saturation_counts=options.saturation_counts)
    sigma_nm = math.hypot(line.centre_sigma_nm, axis_sigma_nm)
    return SpectrumPressure(
        lines={"0-0": (line.centre_nm, line.centre_sigma_nm, line.fwhm_nm, line.height_counts)},
        reduced_chi2=line.reduced_chi2,
        asymmetry_per_nm=0.0,
        pressure=ruler.pressure(line.centre_nm, sigma_nm, options.temperature_k, options.temperature_sigma_k),
        table=[
            SpectrumRow(
                scale=one.scale,
                correction=samarium.SAMARIUM_CORRECTION,
                gpa=_try(one, line.centre_nm, options.temperature_k),
            )
            for one in (ruler, *ruler.rivals())
        ],
        doubt=line.doubt,
    )


def _try(ruler: Any, line_nm: float, temperature_k: float) -> float | None:
    try:
        return float(ruler.gpa(line_nm, temperature_k))
    except OutsideCalibration:
        return None


def _machine(options: argparse.Namespace, reading: SpectrumPressure) -> dict[str, Any]:
    lowest, highest = reading.pressure.interval_gpa()
    names = ("nm", "sigma_nm", "fwhm_nm", "height_counts")
    return {
        "spectrum": str(options.spectrum),
        "lines": {name: dict(zip(names, numbers, strict=True)) for name, numbers in reading.lines.items()},
        "reduced_chi2": reading.reduced_chi2,
        "asymmetry_per_nm": reading.asymmetry_per_nm,
        "resolved": reading.resolved,
        "doubt": reading.doubt,
        "pressure": {
            **asdict(reading.pressure),
            "systematic_gpa": reading.pressure.systematic_gpa,
            "temperature_sigma_k": options.temperature_sigma_k,
            "lowest_gpa": lowest,
            "highest_gpa": highest,
        },
        "table": [asdict(row) for row in reading.table],
    }


def _head(options: argparse.Namespace, spectrum: SpectrumText) -> str:
    x = spectrum.wavelength_nm
    remark = f" ({spectrum.remark})" if spectrum.remark else ""
    return f"{options.spectrum.name}: {x.size} pixels, {x[0]:.2f}-{x[-1]:.2f} nm in {options.medium}{remark}\n"


def _text(reading: SpectrumPressure, options: argparse.Namespace) -> str:
    p = reading.pressure
    lowest, highest = p.interval_gpa()
    text = ""
    for name, (nm, sigma_nm, fwhm_nm, height) in reading.lines.items():
        text += f"{name:<10}{nm:.4f} +- {sigma_nm:.4f} nm   width {fwhm_nm:.3f} nm   height {height:.0f} counts\n"
    lean = f"   asymmetry {reading.asymmetry_per_nm:+.3f} /nm" if reading.asymmetry_per_nm else ""
    if not reading.resolved:
        text += (
            "unresolved  the spectrometer does not tell R1 and R2 apart: distance and ratio of the lines are held, and "
            "their uncertainty is in the errors\n"
        )
    text += f"chi2      {reading.reduced_chi2:.2f}{lean}\n"
    text += (
        f"pressure  {p.gpa:.3f} GPa +- {p.sigma_gpa:.3f} (statistical) +- {p.systematic_gpa:.3f} (systematic); "
        f"95 %: {lowest:.2f} to {highest:.2f} GPa\n"
    )
    measured = "" if options.reference_nm else " (published with the scale, not measured)"
    text += (
        f"by        {p.scale}, {p.correction} at {p.temperature_k:.1f} +- {options.temperature_sigma_k:.1f} K; "
        f"unshifted {p.reference_wavelength_nm:.3f} nm in air at {p.reference_temperature_k:.1f} K{measured}\n"
    )
    text += "systematic terms (GPa)\n"
    for term, gpa in p.budget().items():
        text += f"  {term:<24}{gpa:8.4f}\n"
    corrections = list(dict.fromkeys(row.correction for row in reading.table))
    values = {(row.scale, row.correction): row.gpa for row in reading.table}
    text += "the same line on every scale, by every correction valid at this temperature (GPa)\n"
    text += f"  {'':<32}" + "".join(f"{name:>14}" for name in corrections) + "\n"
    for scale in dict.fromkeys(row.scale for row in reading.table):
        cells = [values[scale, correction] for correction in corrections]
        text += f"  {scale:<32}" + "".join(f"{'outside' if c is None else f'{c:.3f}':>14}" for c in cells) + "\n"
    return text
