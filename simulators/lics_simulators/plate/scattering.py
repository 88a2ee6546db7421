"""What a powder scatters: reflections, structure factors, integrated intensities, profiles, and the halo of a liquid.

Intensities are in electron units: differential cross-section of the illuminated sample divided by the square of the
classical electron radius, for the sample that one caesium atom loaded stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import gemmi
import numpy as np
import numpy.typing as npt

from lics_simulators.plate.structures import Site, Structure

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
Table = Literal["waasmaier-kirfel", "it92"]

FWHM_PER_SIGMA: Final = 2.0 * math.sqrt(2.0 * math.log(2.0))
LIQUID_PEAK_Q: Final = 1.40  # 1/A, first maximum of S(Q) of liquid Cs near melting, 111 A^3 an atom (Gingrich 1961)
LIQUID_ATOM_ANGSTROM3: Final = 120.0  # engineering value: volume an atom that this maximum belongs to


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One family of reflections of a powder.

    Parameters
    ----------
    hkl : tuple of int
        One member of the family.
    multiplicity : int
        Members of the family, Friedel mates included.
    d_angstrom : float
        Spacing [A].
    two_theta_deg : float
        Scattering angle [deg].
    f_squared : float
        Squared modulus of the structure factor [electrons^2], with thermal motion and dispersion.
    intensity : float
        Integral over the scattering angle [rad] of the intensity in electron units a steradian.
    """

    hkl: tuple[int, int, int]
    multiplicity: int
    d_angstrom: float
    two_theta_deg: float
    f_squared: float
    intensity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Widths of the diffraction lines: Gaussian and Lorentzian full widths and a weak low-angle shoulder.

    Parameters
    ----------
    u_deg2, w_deg2 : float
        Gaussian FWHM^2 = u tan^2(theta) + w [deg^2].
    x_deg, y_deg : float
        Lorentzian FWHM = x / cos(theta) + y tan(theta) [deg].
    shoulder : float
        Fraction of a line that lies in its shoulder, 0 to 1.
    shoulder_shift : float
        Shift of the shoulder to lower angles, in Gaussian FWHM.
    """

    u_deg2: float
    w_deg2: float
    x_deg: float
    y_deg: float
    shoulder: float
    shoulder_shift: float


def form_factors(site: Site, s: FloatArray, energy_ev: float, table: Table) -> ComplexArray:
    """Form factors of one atom at rest [electrons] on many spacings, dispersion included.

    Parameters
    ----------
    site : Site
        The atom.
    s : ndarray
        sin(theta)/lambda [1/A].
    energy_ev : float
        Photon energy [eV].
    table : str
        Waasmaier and Kirfel (1995) with Chantler's dispersion (2000), or International Tables C (1992) with
        Cromer and Liberman's: two tables that disagree as much as honest programs do.
    """
    if table == "it92":
        element = gemmi.Element(site.element)
        real, imaginary = gemmi.cromer_liberman(z=element.atomic_number, energy=energy_ev)
        ion_or_none = gemmi.IT92_get_exact(element, site.charge)  # the table has no Ce4+
        coefficients = ion_or_none or gemmi.IT92_get_exact(element, 0)
        return np.array([complex(coefficients.calculate_sf(stol2=each * each) + real, imaginary) for each in s])
    import xraydb  # brings a database toolkit: half a second, for the first plate and not for the start of the IOCs

    sign = "+" if site.charge > 0 else "-"
    ion = f"{site.element}{abs(site.charge)}{sign}" if site.charge else site.element
    at_rest = np.asarray(xraydb.f0(ion, s), dtype=np.complex128)  # asks a database: once for all of them
    f1 = float(xraydb.f1_chantler(site.element, energy_ev))
    f2 = float(xraydb.f2_chantler(site.element, energy_ev))
    return at_rest + np.complex128(complex(f1, f2))


def structure_factors(
    structure: Structure,
    hkl: Sequence[tuple[int, int, int]],
    s: FloatArray,
    energy_ev: float,
    temperature_k: float,
    table: Table,
) -> ComplexArray:
    """Structure factors of reflections [electrons]: sum over all atoms of f exp(-B s^2) exp(2 pi i h.r)."""
    total = np.zeros(len(hkl), dtype=np.complex128)
    of_ion: dict[tuple[str, int], ComplexArray] = {}
    for site in structure.sites:
        ion = (site.element, site.charge)
        if ion not in of_ion:
            of_ion[ion] = form_factors(site, s, energy_ev, table)
        phases = 2.0 * np.pi * (np.asarray(site.positions) @ np.asarray(hkl, dtype=float).T)
        damping = np.exp(-site.b_angstrom2(temperature_k) * s * s)
        total += site.occupancy * damping * of_ion[ion] * np.exp(1j * phases).sum(axis=0)
    return total


def rings(
    structure: Structure,
    cell_angstrom: tuple[float, float, float],
    *,
    cells: float,
    temperature_k: float,
    wavelength_angstrom: float,
    two_theta_max_deg: float,
    table: Table = "waasmaier-kirfel",
) -> tuple[Ring, ...]:
    """All rings of one phase within the plate, lowest angle first.

    Parameters
    ----------
    structure : Structure
        The phase; one without a space group has no rings.
    cell_angstrom : tuple of float
        a, b, c [A].
    cells : float
        Unit cells in the beam.
    temperature_k, wavelength_angstrom, two_theta_max_deg : float
        Temperature [K], wavelength [A], largest scattering angle [deg].
    table : str
        Table of form factors.

    Notes
    -----
    Integrated over the scattering angle, one steradian of a ring carries lambda^3 m |F|^2 / (16 pi V^2 sin^2(theta)
    cos(theta)) times the sample volume. Polarisation belongs to the pixel, not to the ring.

    References
    ----------
    B. E. Warren, X-ray Diffraction (1969), eq. 4.7, with the cone's length in steradian.
    """
    if not structure.space_group:
        return ()
    cell = gemmi.UnitCell(*cell_angstrom, *structure.angles_deg)
    operations = gemmi.SpaceGroup(structure.space_group).operations()
    energy_ev = 12398.419843320026 / wavelength_angstrom  # h c [eV A], SI 2019
    s_max = math.sin(math.radians(two_theta_max_deg / 2)) / wavelength_angstrom
    limit = [int(2 * s_max * length) + 2 for length in cell_angstrom]
    families: dict[tuple[int, int, int], int] = {}
    seen: set[tuple[int, int, int]] = set()
    for h in range(limit[0], -limit[0] - 1, -1):
        for k in range(limit[1], -limit[1] - 1, -1):
            for l_index in range(limit[2], -limit[2] - 1, -1):
                hkl = (h, k, l_index)
                if hkl == (0, 0, 0) or hkl in seen or operations.is_systematically_absent(list(hkl)):
                    continue
                if 0.5 * math.sqrt(cell.calculate_1_d2(list(hkl))) > s_max:
                    continue
                family = equivalents(operations, hkl)
                seen |= family
                families[hkl] = len(family)
    s_all = np.array([0.5 * math.sqrt(cell.calculate_1_d2(list(hkl))) for hkl in families])
    factors = structure_factors(structure, list(families), s_all, energy_ev, temperature_k, table)
    found: list[Ring] = []
    for (hkl, members), s, factor in zip(families.items(), s_all.tolist(), factors.tolist(), strict=True):
        f_squared = abs(factor) ** 2
        theta = math.asin(s * wavelength_angstrom)
        lorentz = 1.0 / (math.sin(theta) ** 2 * math.cos(theta))
        per_cell = wavelength_angstrom**3 * members * f_squared * lorentz / (16 * math.pi * cell.volume)
        found.append(
            Ring(
                hkl=hkl,
                multiplicity=members,
                d_angstrom=0.5 / s,
                two_theta_deg=math.degrees(2 * theta),
                f_squared=f_squared,
                intensity=per_cell * cells * structure.in_beam,
            )
        )
    return tuple(sorted(found, key=lambda ring: ring.two_theta_deg))


def equivalents(operations: gemmi.GroupOps, hkl: tuple[int, int, int]) -> set[tuple[int, int, int]]:
    """All reflections of the Laue class equivalent to one, Friedel mates included."""
    family: set[tuple[int, int, int]] = set()
    for operation in operations.sym_ops:
        h, k, l_index = operation.apply_to_hkl(list(hkl))
        family |= {(h, k, l_index), (-h, -k, -l_index)}
    return family


def profile(two_theta_deg: FloatArray, centre_deg: float, widths: Widths) -> FloatArray:
    """Profile of one line at scattering angles [deg]; its integral over the angle in degrees is 1.

    A true Voigt function with a weak shoulder at lower angles.
    """
    from scipy.special import voigt_profile

    theta = math.radians(centre_deg / 2)
    gauss = math.sqrt(widths.u_deg2 * math.tan(theta) ** 2 + widths.w_deg2)
    lorentz = widths.x_deg / math.cos(theta) + widths.y_deg * math.tan(theta)
    sigma, gamma = gauss / FWHM_PER_SIGMA, lorentz / 2
    offset = two_theta_deg - centre_deg
    line: FloatArray = (1 - widths.shoulder) * voigt_profile(offset, sigma, gamma)
    line += widths.shoulder * voigt_profile(offset + widths.shoulder_shift * gauss, sigma, gamma)
    return line


def halo(
    structure: Structure,
    two_theta_deg: FloatArray,
    *,
    cell_angstrom: tuple[float, float, float],
    cells: float,
    wavelength_angstrom: float,
) -> FloatArray:
    """Intensity of a liquid in electron units a steradian: N f^2 S(Q) with a model S(Q).

    Parameters
    ----------
    structure : Structure
        A phase without space group; its atoms are all alike.
    two_theta_deg : ndarray
        Scattering angles [deg].
    cell_angstrom : tuple of float
        A cell that holds as many atoms as the structure lists and has the density of the liquid [A].
    cells : float
        Number of such cells in the beam.
    wavelength_angstrom : float
        Wavelength [A].

    Notes
    -----
    S(Q) = S0 + (1 - S0)(1 - exp(-(Q/Qp)^8)) + damped oscillation with maxima at Qp, about 1.85 Qp, ...: a simple liquid
    metal. Qp follows the cube root of the density.
    """
    site = structure.sites[0]
    atoms = len(site.positions)
    q = 4 * np.pi * np.sin(np.radians(two_theta_deg) / 2) / wavelength_angstrom
    peak = LIQUID_PEAK_Q * (LIQUID_ATOM_ANGSTROM3 * atoms / math.prod(cell_angstrom)) ** (1 / 3)
    x = q / peak
    rise = 1 - np.exp(-(x**8))
    shells = sum(
        height * np.exp(-0.5 * ((x - at) / width) ** 2)
        for height, at, width in ((1.7, 1.0, 0.10), (0.30, 1.86, 0.17), (0.10, 2.7, 0.25))  # engineering values
    )
    order = 0.03 + 0.97 * rise + shells - 0.45 * np.exp(-0.5 * ((x - 1.38) / 0.16) ** 2)
    energy_ev = 12398.419843320026 / wavelength_angstrom  # h c [eV A], SI 2019
    squared = np.abs(atomic(site, q / (4 * np.pi), energy_ev)) ** 2
    intensity: FloatArray = atoms * cells * structure.in_beam * squared * np.clip(order, 0.02, None)
    return intensity


def atomic(site: Site, s: FloatArray, energy_ev: float) -> npt.NDArray[np.complex128]:
    """Form factors of one atom at rest on many sin(theta)/lambda [1/A] at once."""
    import xraydb

    at_rest = np.asarray(xraydb.f0(site.element, s), dtype=np.complex128)
    f1 = float(xraydb.f1_chantler(site.element, energy_ev))
    f2 = float(xraydb.f2_chantler(site.element, energy_ev))
    return at_rest + np.complex128(complex(f1, f2))
