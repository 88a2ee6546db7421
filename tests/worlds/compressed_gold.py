"""Frames of gold at pressures of a published equation of state, drawn by pyFAI and written in other programs' formats.

Nothing of the house draws them: cells are of Takemura & Dewaele, Phys. Rev. B 78, 104119 (2008),
doi 10.1103/PhysRevB.78.104119 (Vinet, V0 = 67.850 angstrom^3, K0 = 167 GPa, K' = 5.88), solved here; rings are of
pyFAI's calibrant; files are written by fabio and h5py.
"""

import logging
import math

import numpy as np
from fabio.cbfimage import CbfImage
from fabio.edfimage import EdfImage
from fabio.tifimage import TifImage
from scipy.optimize import brentq

V0_ANGSTROM3, K0_GPA, K0_SLOPE = 67.850, 167.0, 5.88
SHAPE = (420, 440)
WAVELENGTH_ANGSTROM = 0.4133
SQUARES = (3, 4, 8, 11, 12, 16, 19, 20, 24, 27)  # h^2 + k^2 + l^2 of fcc
STRENGTHS = (1.0, 0.5, 0.35, 0.4, 0.12, 0.06, 0.15, 0.15, 0.12, 0.1)
PRESSURES_GPA = (0.5, 5.0, 10.0, 20.0, 35.0, 50.0)
CIF = """data_gold
_cell_length_a 4.0786
_cell_length_b 4.0786
_cell_length_c 4.0786
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
_atom_site_U_iso_or_equiv
Au1 Au 0 0 0 1 0.006
"""
# Softer than gold is, so that what is found is not what was expected: the cell at 50 GPa is off by 2 %.
PHASE = """name = "gold"
role = "sample"
cif = "gold.cif"
volume0_angstrom3 = 67.85
bulk_modulus_gpa = 150.0
bulk_modulus_slope = 5.0
window = 0.03
"""


def edge_angstrom(pressure_gpa):
    """Edge of the cell of gold [angstrom] at 300 K."""

    def excess(ratio):
        x = math.cbrt(ratio)
        return 3.0 * K0_GPA * (1.0 - x) / x**2 * math.exp(1.5 * (K0_SLOPE - 1.0) * (1.0 - x)) - pressure_gpa

    return math.cbrt(V0_ANGSTROM3 * brentq(excess, 0.5, 1.05))


def gold_frames(folder, pressures_gpa=PRESSURES_GPA):
    """Write a frame a pressure, two each as EDF and CBF, one TIFF, one in an HDF5 series, with geometry and phase.

    Returns
    -------
    list of str
        Their names, in the order of the pressures; the sixth is frame 2 of its file.
    """
    import h5py

    logging.getLogger("silx.opencl").setLevel(logging.ERROR)
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    folder.mkdir(exist_ok=True)
    detector = Detector(pixel1=400e-6, pixel2=400e-6, max_shape=SHAPE, orientation=3)
    engine = AzimuthalIntegrator(
        dist=0.2, poni1=0.081, poni2=0.083, detector=detector, wavelength=WAVELENGTH_ANGSTROM * 1e-10
    )
    engine.save(str(folder / "g.poni"))
    (folder / "gold.cif").write_text(CIF)
    (folder / "gold.toml").write_text(PHASE)
    random = np.random.default_rng(1)
    images = [_image(engine, pressure, random) for pressure in pressures_gpa]
    endings = (".edf", ".edf", ".cbf", ".cbf", ".tif")[: len(images)]
    names = [f"au_{index:03d}{ending}" for index, ending in enumerate(endings)]
    for name, image in zip(names, images[:5], strict=True):
        kind = {".edf": EdfImage, ".cbf": CbfImage, ".tif": TifImage}[name[-4:]]
        kind(data=image.astype(np.uint16) if kind is TifImage else image).write(str(folder / name))
    if len(images) <= len(endings):
        return names
    with h5py.File(folder / "au_005.h5", "w") as file:
        file["/entry/data/data"] = np.stack([np.zeros_like(images[5]), images[5]])
    return [*names, "au_005.h5"]


def _image(engine, pressure_gpa, random):
    from pyFAI.calibrant import Calibrant

    edge = edge_angstrom(pressure_gpa)
    light = np.full(SHAPE, 20.0)
    for square, strength in zip(SQUARES, STRENGTHS, strict=True):
        ring = Calibrant(dspacing=[edge / math.sqrt(square)], wavelength=WAVELENGTH_ANGSTROM * 1e-10)
        light += strength * ring.fake_calibration_image(engine, shape=SHAPE, Imax=400.0, resolution=0.16)
    return random.poisson(light).astype(np.int32)
