"""The layouts a reduced run can be written in, by name; read by every verb, so that nothing is imported for them."""

from __future__ import annotations

from typing import Final

LAYOUTS: Final = {
    "xy": "2theta and intensity in two columns",
    "xye": "2theta, intensity and its standard error in three columns",
    "chi": "two columns below the heading of FIT2D",
    "rietveld": "three columns and powder CIF",
    "gsas": "FXYE and instrument parameters of GSAS-II",
    "fullprof": "data of FullProf, Ins = 10, and the control file to start from",
    "topas": "three columns and the input of TOPAS to start from",
    "mem": "structure factors of the main phase for Dysnomia, PRIMA and RIETAN",
    "density": "electron density of the main phase by maximum entropy, as CCP4 maps",
    "cube": "the same density with atoms, as Gaussian cubes",
    "xsf": "the same density with atoms, as XSF of XCrySDen and VESTA",
    "cif": "powder CIF",
    "csv": "one table of all points without their patterns",
    "nexus": "one NeXus file of the whole run, with ruby spectra and recipe",
    "tiff": "the images, and the geometry that integrates them",
}
# What the first column of .xy and .xye may be.
FIRST_COLUMN_UNITS: Final = {"2theta": "2theta [deg]", "q": "q [1/angstrom]", "d": "d [angstrom]"}
NEEDS_RAW: Final = ("nexus", "tiff")  # layouts that take something from the raw run
LAYOUTS_OF_IMAGES: Final = (
    "xy",
    "xye",
    "chi",
    "rietveld",
    "gsas",
    "fullprof",
    "topas",
    "cif",
    "csv",
    "nexus",
)  # those that need no phase and no run
