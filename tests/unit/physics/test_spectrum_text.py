import re
from pathlib import Path

import numpy as np
import pytest

from lics_beamline.errors import BadReading
from lics_beamline.physics.spectrum_text import decoded, parse_spectrum

NM = [690.0 + 0.1 * i for i in range(40)]
COUNTS = [100.5 + i for i in range(40)]


def lines(pattern):
    return "\n".join(pattern.format(x, y) for x, y in zip(NM, COUNTS, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        lines("{:.2f} {:.1f}"),
        lines("{:.2f}\t{:.1f}"),
        lines("  {:.2f},   {:.1f}  "),
        lines("{:.2f};{:.1f}"),
        lines("{:.4e} {:.5E}"),
        lines("{:.2f}\t{:.1f}").replace(".", ","),
        lines("{:.2f};{:.1f}").replace(".", ","),
        lines("{:.2f} {:.1f}").replace(".", ","),
        "# nm counts\nWavelength,Counts\nIntegration time: 0.1\n\n" + lines("{:.2f},{:.1f}") + "\n>>>>>End<<<<<\n",
        "\n".join(reversed(lines("{:.2f} {:.1f}").splitlines())),
        lines("{:.2f} {:.1f}").replace("\n", "\r\n"),
    ],
)
def test_two_columns_are_read_however_they_are_written(text):
    spectrum = parse_spectrum(text)
    assert spectrum.wavelength_nm == pytest.approx(NM, abs=0.05)
    assert spectrum.counts == pytest.approx(COUNTS)
    assert np.all(np.diff(spectrum.wavelength_nm) > 0.0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_any_usual_encoding_is_read(encoding):
    assert "20 µs" in decoded("20 µs\n690.0 1.0".encode(encoding))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 lines of two numbers"),
        ("690 1\n691 2", "2 lines of two numbers"),
        (lines("{:.2f} {:.1f} 3.0"), "0 lines of two numbers"),
        (lines("{:.2f} {:.1f}") + "\n" + lines("{:.2f} {:.1f}"), "neither rise nor fall"),
        ("\n".join(f"{10 * x:.1f} 5" for x in NM), "not angstrom"),
        ("\n".join(f"{i} 5" for i in range(40)), "no wavelength in nm"),
    ],
)
def test_what_is_no_spectrum_says_what_is_wrong(text, says):
    with pytest.raises(BadReading, match=says) as caught:
        parse_spectrum(text, source="a.txt")
    assert caught.value.facts["reason"] == "corrupt"


CORPUS = Path(__file__).parent / "corpus" / "spectra"


def chosen(answer, what):
    found = re.search(rf"of {what} ([\d ]+)", answer)
    return tuple(map(int, found[1].split())) if found else None


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_text_is_read_right_or_refused_by_name(path):
    text = path.read_text()
    right = text.splitlines()[0].removeprefix("#:").strip()
    columns, frame = chosen(right, "columns"), chosen(right, "frame")
    if right.startswith("refused"):
        with pytest.raises(BadReading) as caught:
            parse_spectrum(text, source=path.name)
        assert right.removeprefix("refused,").strip() in str(caught.value)
        assert path.name in str(caught.value)
    else:
        spectrum = parse_spectrum(text, columns=columns, frame=frame and frame[0])
        first_nm, last_nm, first, last = map(float, re.findall(r"\d+\.\d+", right))
        assert spectrum.wavelength_nm[[0, -1]] == pytest.approx([first_nm, last_nm])
        assert spectrum.counts[[0, -1]] == pytest.approx([first, last])
        assert spectrum.counts.size == 40
