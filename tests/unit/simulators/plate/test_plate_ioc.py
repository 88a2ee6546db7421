"""The PVs of the image plate, stepped without Channel Access; a small plate, so that a frame takes milliseconds."""

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import fabio
import pytest

from lics_simulators.iocs.image_plate import ImagePlateIOC
from lics_simulators.plate.settings import read_settings
from lics_simulators.world import World


@pytest.fixture(scope="module")
def settings():
    full = read_settings()
    geometry = replace(full.geometry, pixels=750, pixel_mm=0.4, beam_column_px=376.8, beam_row_px=372.9)
    return replace(full, geometry=geometry)


class Bench:
    """An image plate and a client that waits in experiment time."""

    def __init__(self, folder, settings, *, shutter_is_open=True):
        self.folder = folder
        self.world = World(seed=1, folder=folder)
        self.world.beam.command_shutter(is_open=shutter_is_open)
        self.ioc = ImagePlateIOC("T:", world=self.world, folder=folder, settings=settings)
        self.files = []  # (time, file) when FullFileName_RBV changed

    async def tick(self, seconds=5.0):
        self.world.advance(seconds)
        await self.ioc.publish()
        name = self.ioc.FullFileName_RBV.value
        if name and (not self.files or self.files[-1][1] != name):
            self.files.append((self.world.time_s, name))
        for _ in range(20):  # let everything that waits for this tick come to rest
            await asyncio.sleep(0)
        if self.world.is_held:
            await asyncio.sleep(0.001)  # a thread renders

    async def until(self, is_true):
        for _ in range(20_000):
            if is_true():
                return
            await self.tick()
        raise AssertionError("it never came")

    async def expose(self):
        task = asyncio.ensure_future(self.ioc.Acquire.write("Acquire"))
        await self.tick(0.5)
        await self.until(task.done)
        task.result()

    async def idle(self):
        await self.until(lambda: self.ioc.DetectorState_RBV.value in ("Idle", "Error"))

    def truth(self):
        entries = map(json.loads, (self.folder / "truth.jsonl").read_text(encoding="utf-8").splitlines())
        return [entry for entry in entries if entry["kind"] == "plate"]


def run(folder, settings, script, **arguments):
    async def session():
        bench = Bench(folder, settings, **arguments)
        await bench.ioc.prepare()
        await bench.ioc.publish()
        await script(bench)
        bench.world.close()

    asyncio.run(session())


def test_acquire_is_done_before_the_file_is_there_and_the_file_follows(tmp_path, settings):
    async def script(bench):
        await bench.expose()
        assert bench.ioc.Acquire.value == "Done"
        assert bench.ioc.DetectorState_RBV.value == "Scanning"
        assert bench.ioc.FullFileName_RBV.value == ""
        assert bench.ioc.PlateInUse_RBV.value == 2
        assert list(tmp_path.glob("*.osc")) == []
        await bench.idle()
        assert bench.ioc.FullFileName_RBV.value == str(tmp_path / "000000.osc")
        assert bench.ioc.PlateRead_RBV.value == 1
        assert bench.ioc.ReadWait_RBV.value == 15.0

    run(tmp_path, settings, script)
    with fabio.open(str(tmp_path / "000000.osc")) as image:
        assert image.data.shape == (750, 750)
        assert image.data.max() > 50


def test_numbers_rise_and_plates_alternate(tmp_path, settings):
    async def script(bench):
        for _ in range(3):
            await bench.expose()
        await bench.idle()
        assert bench.ioc.FileNumber.value == 3
        assert [Path(name).name for _, name in bench.files] == ["000000.osc", "000001.osc", "000002.osc"]
        assert [entry["plate"] for entry in bench.truth()] == [1, 2, 1]

    run(tmp_path, settings, script)


def test_path_name_number_and_template_are_those_of_the_client(tmp_path, settings):
    (tmp_path / "elsewhere").mkdir()

    async def script(bench):
        await bench.ioc.FilePath.write(str(tmp_path / "elsewhere") + "/")
        await bench.ioc.FileName.write("lics_")
        await bench.ioc.FileTemplate.write("%s%s%3.3d.osc")
        await bench.ioc.FileNumber.write(41)
        await bench.ioc.AutoIncrement.write("No")
        await bench.expose()
        await bench.idle()
        assert bench.ioc.FullFileName_RBV.value == str(tmp_path / "elsewhere" / "lics_041.osc")
        assert bench.ioc.FileNumber.value == 41

    run(tmp_path, settings, script)


def test_the_clock_stands_still_while_a_plate_is_rendered(tmp_path, settings):
    async def script(bench):
        await bench.expose()
        await bench.idle()
        announced_s = bench.files[0][0]
        assert announced_s == pytest.approx(bench.truth()[0]["scan_ended_s"], abs=5.5)
        assert not bench.world.is_held

    run(tmp_path, settings, script)


def test_the_truth_tells_what_the_plate_saw(tmp_path, settings):
    async def script(bench):
        await bench.expose()
        await bench.idle()
        (entry,) = bench.truth()
        assert entry["file"] == "000000.osc"
        assert entry["ended_s"] - entry["began_s"] == pytest.approx(120.0)
        assert entry["scan_began_s"] - entry["ended_s"] == pytest.approx(15.0)
        assert entry["dose_counts"] == pytest.approx(120e6, rel=0.01)
        assert entry["sample"]["pressure_gpa"] == pytest.approx(0.12, abs=0.01)
        assert {phase["phase"] for phase in entry["sample"]["phases"]} == {"re-hcp", "li-bcc", "cs-bcc"}

    run(tmp_path, settings, script)


def test_behind_a_closed_shutter_the_plate_stays_empty(tmp_path, settings):
    async def script(bench):
        await bench.expose()
        await bench.idle()
        assert bench.truth()[0]["dose_counts"] == 0.0

    run(tmp_path, settings, script, shutter_is_open=False)
    with fabio.open(str(tmp_path / "000000.osc")) as image:
        assert image.data.mean() < 0.5


@pytest.mark.parametrize(
    ("pv", "value", "said"),
    [
        ("FilePath", "/no/such/folder", "no folder /no/such/folder"),
        ("FileTemplate", "%s%d", "FileTemplate"),
        ("FileTemplate", "%s%s%6.6d%d.osc", "FileTemplate"),
    ],
)
def test_where_no_file_can_go_nothing_is_exposed_and_the_detector_says_why(tmp_path, settings, pv, value, said):
    async def script(bench):
        right = getattr(bench.ioc, pv).value
        await getattr(bench.ioc, pv).write(value)
        await bench.expose()
        assert bench.ioc.DetectorState_RBV.value == "Error"
        assert said in bench.ioc.StatusMessage_RBV.value
        assert bench.world.time_s < 10.0
        await getattr(bench.ioc, pv).write(right)
        await bench.expose()
        await bench.idle()
        assert len(bench.files) == 1

    run(tmp_path, settings, script)


def test_a_plate_file_is_never_overwritten(tmp_path, settings):
    (tmp_path / "000000.osc").write_bytes(b"precious")

    async def script(bench):
        await bench.expose()
        assert bench.ioc.DetectorState_RBV.value == "Error"
        assert "not overwritten" in bench.ioc.StatusMessage_RBV.value

    run(tmp_path, settings, script)
    assert (tmp_path / "000000.osc").read_bytes() == b"precious"


def test_an_image_that_cannot_be_written_is_an_error_and_the_world_goes_on(tmp_path, settings):
    target = tmp_path / "target"
    target.mkdir()

    async def script(bench):
        await bench.ioc.FilePath.write(str(target))
        await bench.expose()
        shutil.rmtree(target)
        await bench.until(lambda: bench.ioc.DetectorState_RBV.value == "Error")
        assert "000000.osc was not written" in bench.ioc.StatusMessage_RBV.value
        assert bench.ioc.FullFileName_RBV.value == ""
        began_s = bench.world.time_s
        await bench.tick()
        assert bench.world.time_s > began_s

    run(tmp_path, settings, script)


def test_abort_ends_acquire_without_a_file_and_without_using_the_number(tmp_path, settings):
    async def script(bench):
        task = asyncio.ensure_future(bench.ioc.Acquire.write("Acquire"))
        await bench.tick(0.5)
        await bench.tick(30.0)
        assert bench.ioc.DetectorState_RBV.value == "Exposing"
        assert bench.ioc.TimeRemaining_RBV.value == pytest.approx(90.0, abs=1.0)
        abort = asyncio.ensure_future(bench.ioc.Abort.write("Abort"))
        await bench.until(lambda: task.done() and abort.done())
        assert bench.world.time_s < 60.0
        for _ in range(60):
            await bench.tick()
        assert bench.ioc.FileNumber.value == 0
        assert bench.files == []

    run(tmp_path, settings, script)


def test_a_second_acquire_is_refused_while_one_is_under_way(tmp_path, settings):
    async def script(bench):
        task = asyncio.ensure_future(bench.ioc.Acquire.write("Acquire"))
        await bench.tick(0.5)
        with pytest.raises(ValueError, match="under way"):
            await bench.ioc.Acquire.write("Acquire")
        await bench.until(task.done)

    run(tmp_path, settings, script)


def test_a_torn_file_is_announced_but_short(tmp_path, settings):
    async def script(bench):
        bench.ioc.tear_next = True
        await bench.expose()
        await bench.idle()
        assert bench.ioc.FullFileName_RBV.value.endswith("000000.osc")

    run(tmp_path, settings, script)
    assert (tmp_path / "000000.osc").stat().st_size < 2 * 750 * 751


def test_the_same_seed_gives_the_same_frames(tmp_path, settings):
    images = []
    for name in ("first", "second"):

        async def script(bench):
            await bench.expose()
            await bench.idle()

        (tmp_path / name).mkdir()
        run(tmp_path / name, settings, script)
        with fabio.open(str(tmp_path / name / "000000.osc")) as image:
            images.append(image.data.copy())
    assert (images[0] == images[1]).all()
