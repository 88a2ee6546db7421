"""The plan that measures the plates, run by a RunEngine on a simulated detector without network or clock of its own."""

import hashlib
from collections import defaultdict
from types import SimpleNamespace

import pytest
from bluesky import RunEngine
from ophyd import Signal
from ophyd.status import Status
from paged_documents import paged
from worlds.plate_world import Detector, geometry_of, settings

from lics_beamline import schema
from lics_beamline.errors import RunNotFound
from lics_beamline.frames.plate import Fading
from lics_beamline.plans.plate_calibration import Series, calibrate_plates
from lics_beamline.profile import read_profile
from lics_beamline.reduction.plate_run import calibration_of
from lics_beamline.reduction.recipe import Frames, Recipe
from lics_simulators.plate import osc
from lics_simulators.plate.exposure import Order

OWN = {"fast_fading": 0.22, "fast_s": 800.0, "slow_s": 1.5e5, "left_by_erasing": 2.4e-3}
TRUE = Fading(fast_share=0.22, fast_s=800.0, slow_s=1.5e5)
SERIES = Series(waits_s=(0.0, 0.0, 600.0, 1800.0, 3600.0, 3600.0), oscillation_deg=20.0)


class Hall:
    """Devices with the names of the beamline's; time goes on only while the plan waits for one of them."""

    def __init__(self, folder):
        self.detector = Detector(settings(pixels=1000, reader=OWN))
        self.detector.is_open = False
        self.folder, self.group, self.pending = folder, None, defaultdict(list)
        self.clock = Settable(self, "clock", lambda until_s: lambda: self.detector.now_s >= until_s)
        self.clock.now_s, self.clock.speed = lambda: self.detector.now_s, lambda: 1.0
        self.plate, self.frame = Plate(self), Frame(self)
        self.beam = SimpleNamespace(shutter=Settable(self, "shutter", self._shutter), i0_cps=Reading(lambda: 1.0e6))
        self.stage = SimpleNamespace(oscillation_deg=Settable(self, "oscillation", self._oscillate))

    def hear(self, message):
        """Take note of which group a device is about to be used in; let time pass when the plan waits."""
        self.group = message.kwargs.get("group")
        if message.command == "wait":
            for status, is_done in self.pending.pop(self.group, []):
                while not is_done():
                    self.detector.wait(1.0)
                status.set_finished()

    def begin(self, is_done):
        status = Status()
        self.pending[self.group].append((status, is_done))
        return status

    def _shutter(self, position):
        self.detector.is_open = position == "Open"
        return lambda: True

    def _oscillate(self, degrees):
        self.detector.oscillation_deg = degrees
        return lambda: True


class Reading:
    def __init__(self, value):
        self.get = lambda use_monitor=True: value()


class Settable:
    parent = None

    def __init__(self, hall, name, act):
        self.name, self._hall, self._act = name, hall, act

    def set(self, value):
        return self._hall.begin(self._act(value))


class Plate:
    name, parent = "plate", None

    def __init__(self, hall):
        self._hall = hall
        self.exposure_s = Settable(hall, "exposure", self._take)
        self.time_remaining_s = Reading(lambda: hall.detector.reader.time_remaining_s)

    def _take(self, seconds):
        self._seconds = seconds
        return lambda: True

    def trigger(self):
        reader = self._hall.detector.reader
        reader.expose(Order(exposure_s=self._seconds, path="", oscillation_deg=self._hall.detector.oscillation_deg))
        return self._hall.begin(lambda: not reader.is_taking)


class Frame:
    name, parent = "frame", None

    def __init__(self, hall):
        self._hall, self._number = hall, 0
        self.signals = {
            name: Signal(name=name, value=value)
            for name, value in (
                (schema.FRAME_PATH, ""),
                (schema.FRAME_SHA256, ""),
                (schema.FRAME_WAITED_S, 0.0),
                (schema.FRAME_PLATE, 0),
            )
        }

    def open_folder(self, folder):
        self.below = folder
        (self._hall.folder / folder).mkdir(parents=True)

    def trigger(self):
        return self._hall.begin(self._has_come)

    def _has_come(self):
        reads = self._hall.detector.reads
        if len(reads) <= self._number:
            return False
        read, own = reads[self._number], self._hall.detector.plate
        below = f"{self.below}/{self._number:06d}.osc"
        path = self._hall.folder / below
        middle_s = 0.5 * read.exposure_s + read.waited_s
        header = osc.OscHeader(
            date="22-Nov-2026",
            wavelength_angstrom=0.41373,
            distance_mm=350.0,
            frame=self._number,
            exposure_minutes=read.exposure_s / 60.0,
            beam_column_px=500.0,
            beam_row_px=500.0,
            oscillation_deg=0.0,
            pixel_mm=own.geometry.pixel_mm,
            plate=read.plate,
            ratio=own.recording.ratio,
            fading_start_minutes=middle_s / 60.0,
            fading_end_minutes=(middle_s + read.scan_s) / 60.0,
        )
        osc.write(path, read.counts, header)
        values = (below, hashlib.sha256(path.read_bytes()).hexdigest(), read.waited_s, read.plate)
        for signal, value in zip(self.signals.values(), values, strict=True):
            signal.put(value)
        self._number += 1
        return True

    def read(self):
        return {key: value for signal in self.signals.values() for key, value in signal.read().items()}

    def describe(self):
        return {key: value for signal in self.signals.values() for key, value in signal.describe().items()}

    def read_configuration(self):
        return {}

    describe_configuration = read_configuration


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    hall = Hall(folder)
    recipe = Recipe(geometry=geometry_of(hall.detector.plate), frames=Frames(bins=600))
    documents = []
    engine = RunEngine({})
    engine.msg_hook = hall.hear
    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    engine(calibrate_plates(hall, SERIES, profile=read_profile("simulated"), recipe=recipe))
    return folder, documents, hall


def test_the_plan_takes_strong_blank_and_delayed_reads_of_both_plates(recorded):
    _, documents, hall = recorded
    points = [doc["data"] for name, doc in documents if name == "event" and "role" in doc["data"]]
    assert [point["role"] for point in points] == ["strong"] * 2 + ["blank"] * 2 + ["delayed"] * 6
    assert [point["kept_s"] for point in points[4:]] == pytest.approx(SERIES.waits_s, abs=2.0)
    assert [read.plate for read in hall.detector.reads] == [1, 2] * 5
    assert documents[0][1]["purpose"] == schema.PLATE_CALIBRATION
    assert documents[-1][1]["exit_status"] == "success"
    assert not hall.detector.is_open


def test_what_the_run_says_of_each_exposure_is_what_the_plate_saw(recorded):
    _, documents, hall = recorded
    points = [doc["data"] for name, doc in documents if name == "event" and "role" in doc["data"]]
    seen = [read.dose_counts / 1.0e6 for read in hall.detector.reads]
    assert [point["open_s"] for point in points] == pytest.approx(seen, abs=1.0)


def test_fading_and_ghosts_of_plates_unlike_the_usual_are_found_from_the_run(recorded):
    folder, documents, _ = recorded
    calibration = calibration_of(documents, data_root=folder)
    for wait_s in (60.0, 900.0, 3600.0):
        error = float(calibration.fading.remaining(wait_s) / TRUE.remaining(wait_s)) - 1.0
        assert abs(error) < 3.0 * calibration.fading.relative_sigma(wait_s)
        assert abs(error) < 0.01  # on a ninth of the pixels; 0.005 on whole plates: tests/benchmarks/test_plates.py
    assert [ghost.plate for ghost in calibration.ghosts] == [1, 2]
    assert [ghost.share for ghost in calibration.ghosts] == pytest.approx([2.4e-3] * 2, rel=0.01)
    assert calibration.fading.scan_s == pytest.approx(75.0, abs=0.1)
    assert calibration_of(paged(documents), data_root=folder) == calibration, "packed into pages it is the same run"


def test_another_run_is_no_plate_calibration(recorded):
    folder, documents, _ = recorded
    start = {**documents[0][1], "purpose": "sweep"}
    with pytest.raises(RunNotFound, match="no plate calibration but 'sweep'"):
        calibration_of([("start", start), *documents[1:]], data_root=folder)
