"""``lics pressure`` as a person uses it: a text file in, a pressure with its budget out, or one sentence why not."""

import json
import math
import struct

import numpy as np
import pytest
from command_line import lics, typed

AXIS_NM = 684.0 + 0.033 * np.arange(2000)


def pseudo_voigt(centre_nm, fwhm_nm, mixing=0.3):
    u = 2.0 * (AXIS_NM - centre_nm) / fwhm_nm
    return mixing / (1.0 + u**2) + (1.0 - mixing) * np.exp(-math.log(2.0) * u**2)


def ruby(r1_nm, *, height=20_000.0, fwhm_nm=0.39):
    lines = pseudo_voigt(r1_nm, fwhm_nm) + 0.62 * pseudo_voigt(r1_nm - 1.43, fwhm_nm)
    return np.random.default_rng(1).poisson(60.0 + height * lines)


def write(folder, counts, *, name="spectrum.txt", axis_nm=AXIS_NM, pattern="{:.4f}\t{:.0f}"):
    body = "\n".join(pattern.format(x, y) for x, y in zip(axis_nm, counts, strict=True))
    (folder / name).write_text("# nm counts\n" + body + "\n")
    return name


def read(folder, *arguments):
    done = typed("pressure", *arguments, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "r1_nm", "gpa", "gpa_sigma"),
    [("ruby_a.txt", (694.814, 694.823), 1.558, 0.031), ("ruby_b.txt", (695.362, 695.376), 3.094, 0.032)],
)
def test_a_real_spectrum_reads_as_published(measured_data, tmp_path, name, r1_nm, gpa, gpa_sigma):
    """Readings of pRuby 0.1.3 (double Gaussian, Ruby2020) and of a double Voigt; the fit alone moves b by 0.07 GPa."""
    said = read(tmp_path, str(measured_data / "ruby" / name), "--temperature-k", "298.15")
    assert r1_nm[0] - 0.005 < said["lines"]["R1"]["nm"] < r1_nm[1] + 0.005
    assert said["pressure"]["gpa"] == pytest.approx(gpa, abs=0.07 + gpa_sigma)
    assert said["pressure"]["lowest_gpa"] < gpa < said["pressure"]["highest_gpa"]
    assert said["pressure"]["sigma_gpa"] < 0.01


@pytest.mark.parametrize("r1_nm", [701.9, 712.0, 730.0])
def test_ruby_is_read_far_above_the_pressures_of_a_sweep(tmp_path, r1_nm):
    """Held against the formula of the scale: G. Shen et al., High Pressure Research 40, 299 (2020)."""
    said = read(tmp_path, write(tmp_path, ruby(r1_nm, fwhm_nm=0.9)), "--temperature-k", "298")
    shift = (r1_nm - 694.25) / 694.25
    assert said["pressure"]["gpa"] == pytest.approx(1870.0 * shift * (1.0 + 5.63 * shift), abs=0.05)


def test_wavelengths_that_a_heading_says_are_in_vacuum_are_not_taken_for_those_in_air(tmp_path):
    name = write(tmp_path, ruby(698.0 + 0.1915))  # in vacuum, of 698.0 nm in air
    (tmp_path / name).write_text("# vacuum wavelength, counts\n" + (tmp_path / name).read_text())
    asked = typed("pressure", name, "--temperature-k", "298", folder=tmp_path)
    assert asked.returncode == 2
    assert "--medium vacuum or air" in asked.stderr
    in_vacuum = read(tmp_path, name, "--temperature-k", "298", "--medium", "vacuum")
    in_air = read(tmp_path, write(tmp_path, ruby(698.0)), "--temperature-k", "298")
    assert in_vacuum["pressure"]["gpa"] == pytest.approx(in_air["pressure"]["gpa"], abs=0.01)


def test_a_fit_that_misses_its_spectrum_warns_people_and_programs_of_it(tmp_path):
    name = write(tmp_path, ruby(697.0) + 4000.0 * pseudo_voigt(698.0, 1.3))
    done = lics("pressure", name, "--temperature-k", "298", folder=tmp_path)
    assert done.returncode == 0
    assert "warning: the ruby doublet misses its spectrum by " in done.stderr
    assert "of which its shape accounts for 1 %: chi2 is" in done.stderr
    said = read(tmp_path, name, "--temperature-k", "298")
    assert said["doubt"] in done.stderr
    assert said["doubt"]
    assert said["lines"]["R1"]["sigma_nm"] > 0.005, "noise alone gives 0.0005"


def test_the_printed_page_has_lines_errors_terms_and_the_table(tmp_path):
    done = lics("pressure", write(tmp_path, ruby(698.0)), "--temperature-k", "298", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in ("R1 ", "R2 ", "width", "chi2", "(statistical)", "(systematic)", "95 %", "nm in air"):
        assert word in done.stdout
    terms = "scale, temperature correction, thermocouple, reference line, line shape, chip to chip, ruby to sample"
    for term in terms.split(", "):
        assert f"\n  {term}" in done.stdout
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.startswith("  ruby_")}
    assert len(rows) == 8
    published = {"ruby_shen_2020": 10.408, "ruby_mao_1986": 10.472, "ruby_dewaele_2004": 10.524}
    for scale, gpa in published.items():
        assert [float(cell) for cell in rows[scale]] == pytest.approx([gpa] * 4, abs=0.006)


def test_at_498_k_three_corrections_remain_a_third_of_a_gpa_apart(tmp_path):
    said = read(tmp_path, write(tmp_path, ruby(698.7, fwhm_nm=0.76)), "--temperature-k", "498")
    found = {row["correction"]: row["gpa"] for row in said["table"] if row["scale"] == "ruby_shen_2020"}
    assert set(found) == {"datchi-2007", "ragan-1992", "wei-2024"}
    assert max(found.values()) - min(found.values()) == pytest.approx(0.33, abs=0.02)
    assert said["pressure"]["correction_choice_gpa"] == pytest.approx(0.15, abs=0.02)
    assert said["pressure"]["gpa"] == found["datchi-2007"]


def test_choices_are_taken_and_told(tmp_path):
    name = write(tmp_path, ruby(698.0))
    said = read(
        tmp_path,
        *(name, "--temperature-k", "298", "--scale", "ruby_mao_1986", "--correction", "wei-2024"),
        *("--reference-nm", "694.30", "--reference-temperature-k", "300", "--chip-to-chip-nm", "0"),
    )["pressure"]
    assert (said["scale"], said["correction"]) == ("ruby_mao_1986", "wei-2024")
    assert (said["reference_wavelength_nm"], said["reference_temperature_k"]) == (694.30, 300.0)
    assert said["chip_to_chip_gpa"] == 0.0
    # Unasked, the reference is the one published with the scale: 694.24 nm for Mao 1986, not Ruby2020's 694.25.
    alone = read(tmp_path, name, "--temperature-k", "298", "--scale", "ruby_mao_1986")["pressure"]
    assert alone["reference_wavelength_nm"] == 694.24


def test_the_same_line_stated_in_vacuum_is_the_same_pressure(tmp_path):
    vacuum_nm = AXIS_NM * 1.000275848  # index of standard air at 698 nm
    in_air = read(tmp_path, write(tmp_path, ruby(698.0)), "--temperature-k", "298")["pressure"]
    name = write(tmp_path, ruby(698.0), name="vacuum.txt", axis_nm=vacuum_nm)
    in_vacuum = read(tmp_path, name, "--temperature-k", "298", "--medium", "vacuum")["pressure"]
    assert in_vacuum["gpa"] == pytest.approx(in_air["gpa"], abs=0.002)
    assert in_vacuum["medium"] == "vacuum"
    assert read(tmp_path, name, "--temperature-k", "298")["pressure"]["gpa"] - in_air["gpa"] > 0.5


@pytest.mark.parametrize(
    ("pattern", "backwards"),
    [("{:.4f} {:.0f}", True), ("{:.4f},{:.1f}", False), ("{:.4f} ; {:.1f}", True)],
)
def test_the_layout_of_the_file_does_not_matter(tmp_path, pattern, backwards):
    step = -1 if backwards else 1
    name = write(tmp_path, ruby(698.0)[::step], axis_nm=AXIS_NM[::step], pattern=pattern)
    assert read(tmp_path, name, "--temperature-k", "298")["pressure"]["gpa"] == pytest.approx(10.408, abs=0.006)


def test_columns_are_chosen_and_asked_for(tmp_path):
    rows = [f"{x:.4f},7,{y:.0f}" for x, y in zip(AXIS_NM, ruby(698.0), strict=True)]
    (tmp_path / "three.csv").write_text("\n".join(rows))
    said = read(tmp_path, "three.csv", "--temperature-k", "298", "--columns", "1", "3")
    assert said["lines"]["R1"]["nm"] == pytest.approx(698.0, abs=0.003)
    asked = typed("pressure", "three.csv", "--temperature-k", "298", folder=tmp_path)
    assert asked.returncode != 0
    assert "--columns 1 2" in asked.stderr


def test_of_an_spe_file_the_first_spectrum_is_read_and_said_or_another_one(tmp_path):
    header = bytearray(4100)
    for place, kind, value in ((42, "<H", 2000), (108, "<h", 1), (656, "<H", 1), (1446, "<i", 2), (1992, "<f", 2.5)):
        struct.pack_into(kind, header, place, value)
    struct.pack_into("<3b", header, 3098, 1, 0, 0)
    struct.pack_into("<2d", header, 3263, 684.0 - 0.033, 0.033)  # pixels count from one
    frames = b"".join(ruby(r1_nm).astype("<i4").tobytes() for r1_nm in (698.0, 699.0))
    (tmp_path / "two.spe").write_bytes(bytes(header) + frames)
    said = typed("pressure", "two.spe", "--temperature-k", "298", folder=tmp_path)
    assert "frame 1 of 2" in said.stdout
    assert read(tmp_path, "two.spe", "--temperature-k", "298")["lines"]["R1"]["nm"] == pytest.approx(698.0, abs=0.003)
    second = read(tmp_path, "two.spe", "--temperature-k", "298", "--frame", "2")
    assert second["lines"]["R1"]["nm"] == pytest.approx(699.0, abs=0.003)


def test_a_doublet_that_is_not_resolved_is_said_to_be_so(measured_data, tmp_path):
    path = str(measured_data / "cases" / "lowres_ruby_5.txt")
    assert "unresolved" in typed("pressure", path, "--temperature-k", "298", folder=tmp_path).stdout
    assert read(tmp_path, path, "--temperature-k", "298")["resolved"] is False


def test_samarium_is_a_second_gauge(tmp_path):
    counts = np.random.default_rng(1).poisson(60.0 + 20_000.0 * pseudo_voigt(687.51, 0.22))
    said = read(tmp_path, write(tmp_path, counts), "--temperature-k", "498", "--gauge", "samarium")
    assert said["lines"]["0-0"]["nm"] == pytest.approx(687.51, abs=0.002)
    assert said["pressure"]["gpa"] == pytest.approx(8.092, abs=0.01)  # Rashchenko et al. 2015 at 2.00 nm, B = -14.3
    assert said["pressure"]["gauge"] == "samarium"
    page = typed("pressure", "spectrum.txt", "--temperature-k", "498", "--gauge", "samarium", folder=tmp_path).stdout
    assert "samarium to sample" in page
    assert "samarium_datchi_1997" in page


def test_a_neon_spectrum_mends_a_drifted_axis(tmp_path):
    lamp = np.full(AXIS_NM.size, 60.0)
    for nm, height in ((692.94672, 7e3), (702.40500, 4e3), (703.24128, 2e4), (717.39380, 9e3), (724.51665, 1e4)):
        lamp += height * pseudo_voigt(nm, 0.13, 0.0)
    neon = write(tmp_path, np.random.default_rng(2).poisson(lamp), name="neon.txt", axis_nm=AXIS_NM + 0.05)
    drifted = write(tmp_path, ruby(698.0), axis_nm=AXIS_NM + 0.05)
    off = read(tmp_path, drifted, "--temperature-k", "298")["pressure"]["gpa"]
    mended = read(tmp_path, drifted, "--temperature-k", "298", "--neon", neon)["pressure"]["gpa"]
    assert off - mended == pytest.approx(0.14, abs=0.01)
    assert mended == pytest.approx(10.408, abs=0.01)
    page = typed("pressure", drifted, "--temperature-k", "298", "--neon", neon, folder=tmp_path).stdout
    assert "by 5 neon lines" in page


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("no-such-file.txt", "--temperature-k", "298"), 2, "no such file"),
        (("spectrum.txt", "--temperature-k", "298", "--scale", "rekhi"), 2, "ruby_shen_2020"),
        (("spectrum.txt", "--temperature-k", "298", "--correction", "rekhi"), 2, "datchi-2007"),
        (("spectrum.txt", "--temperature-k", "498", "--correction", "vos-1991"), 4, "150-400 K"),
        (("spectrum.txt", "--temperature-k", "298", "--gauge", "samarium", "--scale", "ruby_mao_1986"), 2, "samarium_"),
        (("spectrum.txt", "--temperature-k", "298", "--saturation-counts", "15000"), 4, "saturated"),
        (("dark.txt", "--temperature-k", "298"), 4, "dark"),
        (("prose.txt", "--temperature-k", "298"), 4, "two numbers"),
        (("spectrum.txt",), 2, "--temperature-k"),
        (("spectrum.txt", "--temperature-k", "-5"), 2, "is no number within 0.001 and 10000 K"),
        (("spectrum.txt", "--temperature-k", "298", "--neon", "dark.txt"), 4, "neon lost"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, arguments, code, says):
    write(tmp_path, ruby(698.0))
    write(tmp_path, np.random.default_rng(3).poisson(100.0, AXIS_NM.size), name="dark.txt")
    (tmp_path / "prose.txt").write_text("No spectrum at all.\n")
    done = typed("pressure", *arguments, folder=tmp_path)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
