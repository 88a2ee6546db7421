"""A long run that is opened late is read without its spectra, and shows the newest all the same."""

import numpy as np
import pytest
import recorded_documents as recorded

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.codec import Encoder, decode
from lics_beamline.journal.head import heads
from lics_beamline.journal.writer import Journal
from lics_beamline.monitor.followed_run import SPECTRA_BYTES, FollowedRun

PIXELS = 2000
LINE_BYTES = 2 * PIXELS * 8 * 4 // 3  # of an event with axis and counts


def spectrum(pressure_gpa, at_s, **places):
    stream, data = recorded.approach(pressure_gpa, at_s, **places)
    axis = np.linspace(690.0, 700.0, PIXELS)
    return stream, data | {"ruby_wavelength_nm": axis, "ruby_spectrum": np.full(PIXELS, 100.0 * pressure_gpa)}


def shown(tmp_path, events):
    data = DataFolder(tmp_path).make()
    with Journal(data.raw_journals) as journal:
        for name, doc in recorded.documents(events):
            journal(name, doc)
    run = FollowedRun(data, heads(data.raw_journals)[0])
    view = run.look()
    while run.is_behind:
        assert 0.0 < view.read_share < 1.0
        view = run.look()
    run.close()
    assert view.read_share == 1.0
    return view


@pytest.mark.parametrize("after", [0, 2 * SPECTRA_BYTES // 100_000])
def test_the_newest_spectrum_is_shown_wherever_it_lies_and_every_reading(tmp_path, after):
    count = 2 * SPECTRA_BYTES // LINE_BYTES
    events = [spectrum(0.001 * number, 60.0 * number) for number in range(count)]
    long_word = "x" * 100_000  # what came since, without a spectrum
    events += [recorded.decision(1, 60.0 * (count + number), long_word) for number in range(after)]
    view = shown(tmp_path, events)
    assert [reading.pressure_gpa for reading in view.track] == [0.001 * number for number in range(count)]
    assert view.ruby.pressure_gpa == 0.001 * (count - 1)
    assert np.array_equal(view.ruby.counts, np.full(PIXELS, 100.0 * 0.001 * (count - 1)))
    assert view.damage == ()


def test_a_line_without_its_spectra_says_all_else_and_is_checked_as_before():
    doc = {
        "uid": "e",
        "data": {"pattern": np.arange(1000.0), "pair": np.array([1.0, 2.0]), "told": '{"__npy__": 1}', "number": 7},
    }
    line = Encoder().line("event", doc)
    name, bare = decode(line, spectra=False)
    assert (name, bare["data"]["pattern"].size, bare["data"]["number"]) == ("event", 0, 7)
    assert bare["data"]["told"] == doc["data"]["told"]
    assert bare["data"]["pair"].tolist() == [1.0, 2.0]
    assert decode(line)[1]["data"]["pattern"].tolist() == list(range(1000))
    with pytest.raises(ValueError, match="checksum"):
        decode(line.replace(b"7", b"8", 1), spectra=False)
