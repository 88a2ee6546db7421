"""Operator screens against the PVs: every PV of every instrument is on a screen, as what it is, and nothing else is."""

import itertools
from xml.etree import ElementTree

import pytest
from command_line import typed

from lics_beamline.devices.operator_screens import of_profile
from lics_beamline.profile import read_profile
from lics_simulators.beamline import Beamline
from lics_simulators.world import World


@pytest.fixture(scope="module")
def profile():
    return read_profile("simulated")


@pytest.fixture(scope="module")
def screens(profile):
    prefix = profile.values.prefix
    return {
        name: ElementTree.fromstring(text.replace("$(P)", prefix).encode())
        for name, text in of_profile(profile).items()
    }


@pytest.fixture(scope="module")
def served(profile, tmp_path_factory):
    world = World(seed=1)
    yield Beamline(profile.values.prefix, world=world, folder=tmp_path_factory.mktemp("plates")).pvdb
    world.close()


def shown(screens):
    return {
        place.text: widget.get("type")
        for screen in screens.values()
        for widget in screen.iter("widget")
        for place in (*widget.iter("pv_name"), *widget.iter("x_pv"), *widget.iter("y_pv"))
    }


def test_every_pv_of_every_instrument_is_on_a_screen_and_no_other(profile, screens, served):
    prefix = profile.values.prefix
    wanted = {name for name in served if not name.startswith((f"{prefix}WORLD:", f"{prefix}SAFE:"))}  # no instruments
    assert {name.partition(".")[0] for name in shown(screens)} == wanted


def test_what_is_chosen_from_has_states_and_what_is_typed_has_none(screens, served):
    for name, widget in shown(screens).items():
        channel = served[name.partition(".")[0]]
        states = getattr(channel, "enum_strings", ())
        if widget == "combo":
            assert states, name
        if widget == "textentry":
            assert not states, name


def test_gas_is_not_vented_nor_the_lease_written_from_a_screen(profile, screens):
    widgets = shown(screens)
    prefix = profile.values.prefix
    assert widgets[f"{prefix}PC1:Vent"] == widgets[f"{prefix}PC1:Lease"] == "textupdate"


def test_widgets_have_names_of_their_own_lie_inside_the_screen_and_do_not_overlap(screens):
    for screen in screens.values():
        names = [widget.findtext("name") for widget in screen.iter("widget")]
        assert len(names) == len(set(names))
        boxes = [
            tuple(int(widget.findtext(tag)) for tag in ("x", "y", "width", "height"))
            for widget in screen.iter("widget")
        ]
        wide, high = int(screen.findtext("width")), int(screen.findtext("height"))
        assert all(x + width <= wide and y + height <= high for x, y, width, height in boxes)
        rows = sorted(boxes, key=lambda box: (box[1], box[0]))
        for (x, y, width, height), (next_x, next_y, *_) in itertools.pairwise(rows):
            assert next_y >= y + height or next_x >= x + width


def test_screens_are_written_and_the_first_opens_the_others(tmp_path):
    done = typed("screens", "made", "--profile", "bl10xu", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    first = ElementTree.parse(tmp_path / "made" / "beamline.bob").getroot()
    opened = [file.text for file in first.iter("file")]
    assert len(opened) == 7
    assert all((tmp_path / "made" / name).is_file() for name in opened)
    assert first.findtext("macros/P") == "BL10XU:"
