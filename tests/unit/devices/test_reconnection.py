"""What an instrument says after it was gone is compared with what it said before, PV by PV as they come back."""

from typing import ClassVar

import pytest
from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal, Signal

from lics_beamline.devices.reconnection import Reconnections


class Pv(EpicsSignal):
    """A PV without a network: it is there or gone, and says unit and limits anew only to who asks."""

    def __init__(self, pvname, *, name, parent=None, unit="", limits=(0.0, 0.0), kind="normal", attr_name=""):
        Signal.__init__(
            self, name=name, parent=parent, value=1.0, kind=kind, attr_name=attr_name, metadata={"connected": True}
        )
        self.pv, self.serves = pvname, {"units": unit, "lower_ctrl_limit": limits[0], "upper_ctrl_limit": limits[1]}
        self._metadata.update(self.serves)

    pvname = setpoint_pvname = property(lambda self: self.pv)
    connected = property(lambda self: bool(self._metadata["connected"]))
    limits = property(lambda self: (self._metadata["lower_ctrl_limit"], self._metadata["upper_ctrl_limit"]))

    def get(self, **asked):
        if not self.connected:
            raise TimeoutError(self.pv)
        if asked.get("form") == "ctrl":
            self._metadata.update(self.serves)
        return 1.0

    def destroy(self):
        """Let nothing go: there is no connection."""

    def goes(self):
        self._metadata["connected"] = False
        self._run_subs(sub_type=self.SUB_META, connected=False)

    def comes_back(self, **serves):
        self.serves |= serves
        self._metadata["connected"] = True
        self._run_subs(sub_type=self.SUB_META, connected=True)


class Membrane(Device):
    UNITS: ClassVar = {"load": "bar", "source": "bar"}
    VITAL = ("load",)

    load = Cpt(Pv, "PC1:Pressure_RBV", unit="bar")
    source = Cpt(Pv, "PC1:Source_RBV", unit="bar")
    setpoint = Cpt(Pv, "PC1:Setpoint", unit="bar", limits=(0.0, 150.0))


@pytest.fixture
def membrane():
    return Membrane("", name="membrane")


@pytest.fixture
def reconnections(membrane):
    watching = Reconnections([membrane])
    yield watching
    watching.close()


def gone(membrane):
    for pv in (membrane.load, membrane.source, membrane.setpoint):
        pv.goes()


def test_an_instrument_that_was_never_gone_is_not_asked(membrane, reconnections):
    membrane.setpoint.serves |= {"upper_ctrl_limit": 2175.0}
    assert reconnections.findings() == ()


def test_an_instrument_that_is_back_as_it_was_is_found_so_and_not_asked_again(membrane, reconnections):
    gone(membrane)
    assert reconnections.findings() == (), "nobody is there to ask"
    for pv in (membrane.load, membrane.source, membrane.setpoint):
        pv.comes_back()
    assert reconnections.findings() == ()
    membrane.setpoint.serves |= {"upper_ctrl_limit": 2175.0}
    assert reconnections.findings() == ()


@pytest.mark.parametrize(
    ("late", "serves", "said"),
    [
        ("setpoint", {"upper_ctrl_limit": 2175.0}, "PC1:Setpoint came back with limits 0 to 2175; they were 0 to 150"),
        ("source", {"units": "psi"}, "PC1:Source_RBV says its unit is 'psi'; the profile declares 'bar'"),
    ],
)
def test_a_pv_that_comes_back_after_the_others_is_compared_too(membrane, reconnections, late, serves, said):
    gone(membrane)
    for name in {"load", "source", "setpoint"} - {late}:
        getattr(membrane, name).comes_back()
    assert reconnections.findings() == (), "those that are back say what they said before"
    getattr(membrane, late).comes_back(**serves)
    (found,) = reconnections.findings()
    assert said in found
    assert reconnections.findings() == (found,), "asked anew while it is so"
    getattr(membrane, late).serves |= {"upper_ctrl_limit": 150.0, "units": "bar"}
    if late == "source":
        getattr(membrane, late).serves |= {"upper_ctrl_limit": 0.0}
    assert reconnections.findings() == ()


def test_an_instrument_that_goes_again_while_it_is_asked_is_asked_when_it_is_back(membrane, reconnections):
    gone(membrane)
    membrane.load.comes_back()
    membrane.source.comes_back()
    reconnections.findings()
    membrane.load.goes()
    assert reconnections.findings() == ()
    membrane.load.comes_back(units="psi")
    (found,) = reconnections.findings()
    assert "PC1:Pressure_RBV says its unit is 'psi'" in found
