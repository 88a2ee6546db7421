"""SPE files, written here byte by byte from the published layout, and read by fabio too."""

import struct

import numpy as np
import pytest

from lics_beamline.errors import BadReading
from lics_beamline.physics.spe_file import read_spe

COLUMNS = 64
POLYNOMIAL = (690.0, 0.1, 1e-6)
COUNTS = np.arange(3 * 2 * COLUMNS).reshape(3, 2, COLUMNS) + 100


def header(*, version, width=COLUMNS, height=1, frames=1, kind=3):
    content = bytearray(4100)
    struct.pack_into("<H", content, 42, width)
    struct.pack_into("<h", content, 108, kind)
    struct.pack_into("<H", content, 656, height)
    struct.pack_into("<i", content, 1446, frames)
    struct.pack_into("<f", content, 1992, version)
    return content


def second_version(*, frames=1, height=1, kind=3, number="<u2", polynomial=POLYNOMIAL, valid=1):
    content = header(version=2.5, height=height, frames=frames, kind=kind)
    content[20:29], content[172:178] = b"03May2024", b"120000"
    struct.pack_into("<b", content, 3098, valid)
    struct.pack_into("<b", content, 3101, len(polynomial) - 1)
    struct.pack_into(f"<{len(polynomial)}d", content, 3263, *polynomial)
    return bytes(content) + COUNTS[:frames, :height].astype(number).tobytes()


def third_version(*, frames=1, height=1, extra=0, axis=None, mapping="", regions=1):
    data = b"".join(COUNTS[index, :height].astype("<u2").tobytes() + b"\7" * extra for index in range(frames))
    content = header(version=3.0, height=height, frames=frames)
    struct.pack_into("<Q", content, 678, len(content) + len(data))
    size = 2 * COLUMNS * height
    listed = ",".join(map(repr, map(float, axis if axis is not None else wavelengths())))
    region = f'<DataBlock type="Region" count="1" width="{COLUMNS}" height="{height}" size="{size}" stride="{size}"/>'
    footer = (
        '<SpeFormat version="3.0" xmlns="http://www.princetoninstruments.com/spe/2009"><DataFormat>'
        f'<DataBlock type="Frame" count="{frames}" pixelFormat="MonochromeUnsigned16" size="{size}" '
        f'stride="{size + extra}">{region * regions}</DataBlock></DataFormat><Calibrations><WavelengthMapping>'
        f"<Wavelength>{listed}</Wavelength></WavelengthMapping>{mapping}</Calibrations></SpeFormat>"
    )
    return bytes(content) + data + footer.encode()


def wavelengths():
    return np.polynomial.polynomial.polyval(np.arange(1, COLUMNS + 1), POLYNOMIAL)


@pytest.mark.parametrize(
    "content",
    [second_version(), second_version(kind=0, number="<f4"), second_version(kind=1, number="<i4"), third_version()],
    ids=["16 bits", "floats", "32 bits", "third version"],
)
def test_a_spectrum_is_read_with_its_axis(content):
    spectrum = read_spe(content)
    assert spectrum.wavelength_nm == pytest.approx(wavelengths(), abs=1e-9)
    assert spectrum.counts == pytest.approx(COUNTS[0, 0])
    assert spectrum.remark == ""


def test_fabio_reads_the_same_axis_and_counts(tmp_path):
    speimage = pytest.importorskip("fabio.speimage")
    path = tmp_path / "ruby.spe"
    path.write_bytes(second_version())
    theirs = speimage.SpeImage().read(str(path))
    ours = read_spe(path.read_bytes())
    assert ours.counts == pytest.approx(theirs.data[0])
    assert ours.wavelength_nm == pytest.approx(theirs.header["x_calibration"])


@pytest.mark.parametrize("make", [second_version, third_version])
def test_of_several_frames_the_first_is_taken_and_said_or_the_one_that_is_asked_for(make):
    content = make(frames=3)
    assert read_spe(content).counts == pytest.approx(COUNTS[0, 0])
    assert read_spe(content).remark == "frame 1 of 3, the first; --frame chooses"
    assert read_spe(content, frame=3).counts == pytest.approx(COUNTS[2, 0])
    with pytest.raises(BadReading, match="3 frames, and --frame 4"):
        read_spe(content, frame=4)


@pytest.mark.parametrize("make", [second_version, third_version])
def test_rows_of_a_frame_are_summed_and_that_is_said(make):
    spectrum = read_spe(make(height=2))
    assert spectrum.counts == pytest.approx(COUNTS[0].sum(axis=0))
    assert spectrum.remark == "2 rows summed"


def test_what_stands_between_frames_is_no_counts():
    assert read_spe(third_version(frames=3, extra=16), frame=2).counts == pytest.approx(COUNTS[1, 0])


def test_wavelengths_of_the_whole_sensor_are_cut_to_the_region():
    whole = 600.0 + 0.05 * np.arange(400)
    mapping = f'<SensorMapping id="1" x="100" y="0" width="{2 * COLUMNS}" height="1" xBinning="2" yBinning="1"/>'
    spectrum = read_spe(third_version(axis=whole, mapping=mapping))
    assert spectrum.wavelength_nm == pytest.approx(600.0 + 0.05 * (100.5 + 2.0 * np.arange(COLUMNS)))


def test_a_calibration_that_the_file_doubts_is_said():
    assert "not valid" in read_spe(second_version(valid=0)).remark


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"nothing", "not readable as SPE"),
        (second_version()[:-2], "cut off"),
        (second_version(frames=2)[: 4100 + 3 * COLUMNS], "cut off"),
        (second_version(polynomial=(0.0,)), "no calibration in nm"),
        (second_version(polynomial=(0.0, 1.0)), "no wavelength in nm"),
        (third_version(axis=[690.0, 691.0]), "2 wavelengths for 64 columns"),
        (third_version(regions=2), "2 regions"),
        (third_version()[:-30], "not readable as SPE"),
    ],
)
def test_what_cannot_be_believed_is_refused(content, says):
    with pytest.raises(BadReading, match=says):
        read_spe(content, source="ruby.spe", frame=2 if says == "cut off" and len(content) > 4240 else None)


def test_a_region_of_the_sensor_whose_axis_may_begin_anywhere_is_refused():
    content = bytearray(second_version())
    struct.pack_into("<4H", content, 1510, 1, 101, 164, 1)
    with pytest.raises(BadReading, match="column 101"):
        read_spe(bytes(content))
