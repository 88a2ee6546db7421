"""Asking for an experiment: what is written reads back as what was answered, and keeps the profile's limits."""

import io

import pytest
from command_line import typed

from lics_beamline.cli.experiment_text import experiment_text
from lics_beamline.experiment import Experiment, read_experiment
from lics_beamline.files.strict_toml import validate
from lics_beamline.profile import read_profile

ABOUT = ("up and back", "Ada", "p1", "rock salt", "NaCl", "", "", "W")
CHIP, EXPOSED = ("694.21", "297", ""), ("60", "")
UP, BACK = ("u", "298", "", "1:2:0.5"), ("d", "", "going down", "1.5 1")
HEATED = ("h", "l", "", "348 398", "", "")


class Keyboard(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def asked(tmp_path, monkeypatch):
    def answer(*lines, kind=io.StringIO):
        monkeypatch.setattr("sys.stdin", kind("".join(f"{line}\n" for line in lines)))
        return typed("new", "mine", folder=tmp_path)

    return answer


def test_what_was_answered_stands_in_the_file_and_what_was_left_empty_takes_what_was_proposed(asked, tmp_path):
    done = asked(*ABOUT, *CHIP, *EXPOSED, *UP, *HEATED, *BACK, "e")
    assert (done.returncode, done.stderr) == (0, "")
    written = read_experiment(tmp_path / "mine.toml")
    assert (written.title, written.operator, written.sample.composition) == ("up and back", "Ada", "NaCl")
    assert (written.cell.culet_um, written.gasket.material) == (350.0, "W")
    assert (written.ruby_chip.wavelength_nm, written.ruby_chip.temperature_k) == (694.21, 297.0)
    assert (written.exposure.time_s, written.exposure.oscillation_deg) == (60.0, 6.0)
    up, heated, back = written.legs
    assert (up.name, up.pressures_gpa) == ("298 K upstroke", (1.0, 1.5, 2.0))
    assert (heated.temperatures_k, heated.ramp_rate_k_per_min) == ((348.0, 398.0), 5.0)
    assert (back.temperature_k, back.pressures_gpa) == (398.0, (1.5, 1.0))
    assert "7 points in 3 legs" in done.stdout


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((*ABOUT[:4], "salt"), "no chemical formula"),
        ((*ABOUT, "650"), "650 does not lie within 690 to 700"),
        ((*ABOUT, "", *EXPOSED, "u", "298", "", "1 900"), "900 does not lie within 0 to"),
        ((*ABOUT, "", *EXPOSED, "u", "298", "", "2 1"), "they rise on this leg"),
        ((*ABOUT, "", *EXPOSED, "d", "298", "", "1:2:0.5"), "they fall on this leg"),
        ((*ABOUT, "", *EXPOSED, "u", "nan"), "nan does not lie within"),
        ((*ABOUT, "", *EXPOSED, "u", "298", "", "0:9:0.00001"), "10000 at most"),
        (("",), "needs an answer"),
        (ABOUT, "the answers ended"),
    ],
)
def test_an_answer_that_cannot_be_used_is_told_why_and_nothing_is_written(asked, tmp_path, lines, why):
    done = asked(*lines)
    assert done.returncode == 2
    assert why in done.stderr
    assert list(tmp_path.glob("*.toml")) == []


def test_a_person_is_asked_again(asked, tmp_path):
    done = asked(*ABOUT, "", *EXPOSED, "x", "u", "three", "298", "", "900", "1 2", "e", kind=Keyboard)
    assert done.returncode == 0
    assert done.stderr.count("\n") == 3
    assert read_experiment(tmp_path / "mine.toml").legs[0].pressures_gpa == (1.0, 2.0)


def test_a_file_that_is_there_is_left_as_it_is(asked, tmp_path):
    (tmp_path / "mine.toml").write_text("mine")
    done = asked(*ABOUT)
    assert (done.returncode, "is there already" in done.stderr) == (2, True)
    assert (tmp_path / "mine.toml").read_text() == "mine"


@pytest.mark.parametrize("title", ['"quoted" \\ back', "tab\t", "[[legs]]\nx = 1", "é \N{GRINNING FACE} # no"])
def test_any_text_reads_back_as_it_was(tmp_path, title):
    shipped = read_experiment(read_profile("simulated").experiments / "lics-2015.toml")
    wanted = shipped.model_copy(update={"title": title})
    path = tmp_path / "again.toml"
    path.write_text(experiment_text(wanted), encoding="utf-8")
    assert read_experiment(path) == wanted


def test_every_shipped_experiment_reads_back_as_it_was(tmp_path):
    for path in read_profile("simulated").experiments.glob("*.toml"):
        shipped = read_experiment(path)
        again = tmp_path / path.name
        again.write_text(experiment_text(shipped), encoding="utf-8")
        assert read_experiment(again) == shipped == validate(shipped.model_dump(mode="json"), Experiment, source="it")
