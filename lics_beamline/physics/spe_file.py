"""Spectra in the SPE files of Princeton Instruments: versions 1 and 2 of WinSpec, version 3 of LightField.

Notes
-----
Both begin with a header of 4100 bytes, little-endian, and frames follow; the axis of version 2 is a polynomial in
the pixel, counted from one, that of version 3 a list in an XML footer. Offsets as in the published header of WinSpec
2.5 and in "SPE 3.0 File Format Specification" (Princeton Instruments, 2014).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading
from lics_beamline.files.given_file import READER_FAULTS
from lics_beamline.physics.spectrum_text import SpectrumText, checked

HEADER_BYTES: Final = 4100
VERSION_AT: Final = (1992, "<f")
WIDTH_AT: Final = (42, "<H")
HEIGHT_AT: Final = (656, "<H")
FRAMES_AT: Final = (1446, "<i")
TYPE_AT: Final = (108, "<h")
FOOTER_AT: Final = (678, "<Q")
REGION_AT: Final = (1510, "<4H")  # number of regions, then of the first: from, to, pixels that are joined
LABEL_AT: Final = (3018, "<40s")
VALID_AT: Final = (3098, "<b")
ORDER_AT: Final = (3101, "<b")
POLYNOMIAL_AT: Final = (3263, "<6d")
TYPES: Final = {0: "<f4", 1: "<i4", 2: "<i2", 3: "<u2", 5: "<f8", 6: "<u1", 8: "<u4"}
FORMATS: Final = {"MonochromeUnsigned16": "<u2", "MonochromeUnsigned32": "<u4", "MonochromeFloating32": "<f4"}
FIRST_OF_XML: Final = 3.0  # version that has a footer
MOST_ROWS: Final = 65_536  # of a frame, and columns; the header has 16 bits for each


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the frames lie in a file, and the wavelengths of their columns.

    Parameters
    ----------
    wavelength_nm : ndarray
        One a column.
    number : numpy type as str
        Of a pixel.
    width, height, frames : int
        Columns and rows of a frame, and how many frames there are.
    stride_bytes : int
        From one frame to the next.
    remark : str
        What the reader should know; empty for nothing.
    """

    wavelength_nm: npt.NDArray[np.float64]
    number: str
    width: int
    height: int
    frames: int
    stride_bytes: int
    remark: str = ""


def read_spe(content: bytes, *, source: str = "spectrum", frame: int | None = None) -> SpectrumText:
    """Read one spectrum of an SPE file.

    Parameters
    ----------
    content : bytes
        The file.
    source : str
        Name for messages.
    frame : int, optional
        Which frame, from 1; by default the first, and `SpectrumText.remark` says so.

    Returns
    -------
    SpectrumText
        Rows of a frame are summed.

    Raises
    ------
    BadReading
        If it is no SPE file, is cut off, has no such frame, several regions or no wavelengths in nm.
    """
    try:
        version = float(_at(content, VERSION_AT)[0])
        layout = _by_footer(content, source) if version >= FIRST_OF_XML else _by_header(content, source)
    except READER_FAULTS as error:
        if isinstance(error, BadReading):
            raise
        raise _bad(source, f"is not readable as SPE: {error}. Export it as two columns of text.") from None
    if not (0 < layout.width <= MOST_ROWS and 0 < layout.height <= MOST_ROWS and layout.frames > 0):
        size = f"{layout.width} x {layout.height} pixels and {layout.frames} frames"
        raise _bad(source, f"is not readable as SPE: it states {size}. Export it as two columns of text.")
    chosen = 1 if frame is None else frame
    if not 1 <= chosen <= layout.frames:
        raise _bad(
            source, f"has {layout.frames} frames, and --frame {chosen} asks for another. Choose 1 to {layout.frames}."
        )
    pixels, item_bytes = layout.width * layout.height, np.dtype(layout.number).itemsize
    start = HEADER_BYTES + (chosen - 1) * layout.stride_bytes
    if len(content) < start + pixels * item_bytes:
        raise _bad(
            source,
            f"is cut off: frame {chosen} of {layout.frames} ends at byte {start + pixels * item_bytes}, the file at "
            f"{len(content)}. Copy it again.",
        )
    counts = (
        np.frombuffer(content, layout.number, pixels, start).astype(np.float64).reshape(layout.height, layout.width)
    )
    said = [layout.remark]
    if layout.frames > 1:
        said.append(f"frame {chosen} of {layout.frames}" + ("" if frame else ", the first; --frame chooses"))
    if layout.height > 1:
        said.append(f"{layout.height} rows summed")
    return checked(layout.wavelength_nm, counts.sum(axis=0), source=source, remark="; ".join(filter(None, said)))


def _at(content: bytes, place: tuple[int, str]) -> tuple[Any, ...]:
    return struct.unpack_from(place[1], content, place[0])


def _bad(source: str, what: str) -> BadReading:
    return BadReading(f"{source} {what}", reason="corrupt")


def _by_header(content: bytes, source: str) -> Layout:
    width, height, frames = (int(_at(content, place)[0]) for place in (WIDTH_AT, HEIGHT_AT, FRAMES_AT))
    number = TYPES[int(_at(content, TYPE_AT)[0])]
    regions, first, _, joined = _at(content, REGION_AT)
    if regions > 1 or first > 1 or joined > 1:
        raise _bad(
            source,
            f"has {regions} regions, the first from column {first} with {joined} columns joined: from where its axis "
            "counts is not said in such a file. Export it as two columns of text.",
        )
    label = _at(content, LABEL_AT)[0].split(b"\0")[0].decode("latin-1")
    order = int(_at(content, ORDER_AT)[0])
    polynomial = np.array(_at(content, POLYNOMIAL_AT))[: order + 1 if 0 < order < 6 else 6]
    if not polynomial[1:].any() or "cm" in label.lower():
        raise _bad(
            source, f"has no calibration in nm ({label or 'none'}). Calibrate it, or export nm and counts as text."
        )
    axis = np.polynomial.polynomial.polyval(np.arange(1.0, width + 1.0), polynomial)
    return Layout(
        wavelength_nm=axis,
        number=number,
        width=width,
        height=height,
        frames=frames,
        stride_bytes=width * height * np.dtype(number).itemsize,
        remark="" if _at(content, VALID_AT)[0] else "the file calls its calibration not valid",
    )


def _by_footer(content: bytes, source: str) -> Layout:
    from xml.etree import ElementTree

    root = ElementTree.fromstring(content[int(_at(content, FOOTER_AT)[0]) :].rstrip(b"\0"))
    blocks = root.findall(".//{*}DataFormat/{*}DataBlock")
    regions = blocks[0].findall("{*}DataBlock") if blocks else []
    if len(regions) != 1:
        raise _bad(source, f"has {len(regions)} regions a frame, one is read. Export the one with the ruby as text.")
    frame, region = blocks[0].attrib, regions[0].attrib
    width, height = int(region["width"]), int(region["height"])
    return Layout(
        wavelength_nm=_listed(root, width, source),
        number=FORMATS[frame["pixelFormat"]],
        width=width,
        height=height,
        frames=int(frame["count"]),
        stride_bytes=int(frame["stride"]),
    )


def _listed(root: Any, width: int, source: str) -> npt.NDArray[np.float64]:
    """Return the wavelengths of the columns; those of the whole sensor are cut and averaged to the region."""
    element = root.find(".//{*}WavelengthMapping/{*}Wavelength")
    pairs = root.find(".//{*}WavelengthMapping/{*}WavelengthError")
    if element is not None and element.text:
        axis = np.array([float(word) for word in element.text.split(",")])
    elif pairs is not None and pairs.text:
        axis = np.array([float(word.split(",")[0]) for word in pairs.text.split()])
    else:
        raise _bad(
            source, "has no wavelengths. Calibrate the spectrometer in LightField, or export nm and counts as text."
        )
    if axis.size == width:
        return axis
    mapping = root.find(".//{*}Calibrations/{*}SensorMapping")
    first, joined = (int(mapping.attrib["x"]), int(mapping.attrib["xBinning"])) if mapping is not None else (0, 0)
    cut = axis[first : first + width * joined]
    if not joined or cut.size != width * joined:
        raise _bad(source, f"has {axis.size} wavelengths for {width} columns. Export nm and counts as text.")
    return np.asarray(cut.reshape(width, joined).mean(axis=1))
