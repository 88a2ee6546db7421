"""What can go wrong with each instrument, by name: how it begins, and how it is mended.

A fault is what an instrument does, not what a client should make of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from lics_simulators.world import World

WHOSE: Final = {
    "membrane": "the membrane's gas controller",
    "heater": "the heater's controller",
    "thermocouples": "the thermocouples",
    "ruby": "the ruby spectrometer",
    "plate": "the image plate detector",
    "beam": "the beam's shutter and monitors",
}


class Plates(Protocol):
    """What of the plate detector a fault can touch."""

    tear_next: bool

    def jam(self, *, jammed: bool) -> None:
        """Let the changer jam, or free it."""
        ...

    def power_up(self) -> None:
        """Begin as after a power cut."""
        ...


class Instrument(Protocol):
    """What of an instrument's IOC a fault can touch."""

    prefix: str
    line_is_lost: bool
    is_restarted: bool


class Network(Protocol):
    """What of the server a fault can touch."""

    def hide(self, prefix: str) -> None:
        """Let every PV whose name begins so vanish, and drop the connections of who uses them."""
        ...

    def show(self, prefix: str) -> None:
        """Let them answer again."""
        ...


@dataclass(slots=True, kw_only=True)
class Rig:
    """Everything a fault can touch.

    Parameters
    ----------
    world : World
        The world and its instruments' physics.
    plates : Plates or None
        The plate detector, where there is one.
    network : Network or None
        The server, where there is one.
    membrane : str
        Prefix of the membrane's PVs.
    instruments : mapping of str to Instrument
        The IOCs by name: ``membrane``, ``heater``, ``thermocouples``, ``ruby``, ``plate``, ``beam``.
    """

    world: World
    plates: Plates | None = None
    network: Network | None = None
    membrane: str = ""
    instruments: Mapping[str, Instrument] = field(default_factory=dict)

    def change_membrane(self, **parameters: float) -> None:
        """Give the gas controller other parameters."""
        controller = self.world.membrane
        controller.parameters = replace(controller.parameters, **parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One thing that can go wrong.

    Parameters
    ----------
    what : str
        What happens, in words.
    value : float
        VALUE where none is given.
    low, high : float
        Range of VALUE.
    begin : callable
        Called with the rig and VALUE.
    mend : callable
        Called with the rig and VALUE when it is over.
    lasts : bool
        Whether VALUE is how long it lasts [s of experiment]; else it stays until it is cleared.
    """

    what: str
    value: float
    low: float
    high: float
    begin: Callable[[Rig, float], None]
    mend: Callable[[Rig, float], None]
    lasts: bool = False


def _open_junction(rig: Rig, number: float) -> None:
    index = int(number) - 1
    rig.world.thermocouples.open_junctions.add(index)
    if index == 0:
        rig.world.heater.sensor_is_open = True  # the controller looks at the same junction


def _close_junction(rig: Rig, number: float) -> None:
    index = int(number) - 1
    rig.world.thermocouples.open_junctions.discard(index)
    if index == 0:
        rig.world.heater.sensor_is_open = False


def _weld(rig: Rig, percent: float) -> None:
    rig.world.heater.welded_percent = percent


def _unweld(rig: Rig, _: float) -> None:
    rig.world.heater.welded_percent = None


def _leak(rig: Rig, per_s: float) -> None:
    rig.change_membrane(leak_per_s=per_s)


def _seal(rig: Rig, _: float) -> None:
    rig.change_membrane(leak_per_s=rig.world.preset.membrane.leak_per_s)


def _lower_supply(rig: Rig, bar: float) -> None:
    rig.change_membrane(supply_bar=bar)


def _restore_supply(rig: Rig, _: float) -> None:
    rig.change_membrane(supply_bar=rig.world.preset.membrane.supply_bar)


def _stick(rig: Rig, gpa: float) -> None:
    rig.world.cell.stick(gpa)


def _free(rig: Rig, _: float) -> None:
    rig.world.cell.free()


def _lag(rig: Rig, seconds: float) -> None:
    rig.change_membrane(control_lag_s=seconds)


def _unlag(rig: Rig, _: float) -> None:
    rig.change_membrane(control_lag_s=rig.world.preset.membrane.control_lag_s)


def _brighten(rig: Rig, factor: float) -> None:
    rig.world.ruby.brightness = factor


def _normal_brightness(rig: Rig, _: float) -> None:
    rig.world.ruby.brightness = 1.0


def _lose_laser(rig: Rig, _: float) -> None:
    rig.world.ruby.laser_is_dead = True
    rig.world.ruby.switch_laser(on=False)


def _mend_laser(rig: Rig, _: float) -> None:
    rig.world.ruby.laser_is_dead = False


def _drift(rig: Rig, by_nm: float) -> None:
    rig.world.ruby.drift(by_nm)


def _drift_back(rig: Rig, by_nm: float) -> None:
    rig.world.ruby.drift(-by_nm)


def _dump(rig: Rig, _: float) -> None:
    rig.world.beam.is_dumped = True


def _refill(rig: Rig, _: float) -> None:
    rig.world.beam.is_dumped = False


def _stick_shutter(rig: Rig, _: float) -> None:
    rig.world.beam.shutter_is_stuck = True


def _free_shutter(rig: Rig, _: float) -> None:
    rig.world.beam.shutter_is_stuck = False


def _jam(rig: Rig, _: float) -> None:
    if rig.plates is not None:
        rig.plates.jam(jammed=True)


def _unjam(rig: Rig, _: float) -> None:
    if rig.plates is not None:
        rig.plates.jam(jammed=False)


def _tear(rig: Rig, _: float) -> None:
    if rig.plates is not None:
        rig.plates.tear_next = True


def _write_whole(rig: Rig, _: float) -> None:
    if rig.plates is not None:
        rig.plates.tear_next = False


def _restart(name: str) -> Kind:
    """Return the restart of an IOC: its PVs vanish for a while, and it forgets what only it knew."""

    def prefix(rig: Rig) -> str:
        return rig.instruments[name].prefix if name in rig.instruments else rig.membrane

    def vanish(rig: Rig, _: float) -> None:
        if rig.network is not None:
            rig.network.hide(prefix(rig))

    def come_back(rig: Rig, _: float) -> None:
        if name in rig.instruments:
            rig.instruments[name].is_restarted = True
        if rig.network is not None:
            rig.network.show(prefix(rig))

    return _spell(f"the IOC of {WHOSE[name]} is gone for VALUE s, then started again", vanish, come_back)


def _lost_line(name: str) -> Kind:
    """Return the loss of the line between an IOC and its instrument."""

    def cut(rig: Rig, _: float) -> None:
        if name in rig.instruments:
            rig.instruments[name].line_is_lost = True

    def mend(rig: Rig, _: float) -> None:
        if name in rig.instruments:
            rig.instruments[name].line_is_lost = False

    return _spell(f"the line to {WHOSE[name]} is cut for VALUE s: last values, INVALID", cut, mend)


def _speak_psi(rig: Rig, _: float) -> None:
    rig.world.membrane.speaks_psi = True


def _speak_bar(rig: Rig, _: float) -> None:
    rig.world.membrane.speaks_psi = False


def _cut_power(rig: Rig, _: float) -> None:
    rig.world.power_up()
    if rig.plates is not None:
        rig.plates.power_up()


def _leave_as_it_is(rig: Rig, _: float) -> None:
    """Mend nothing: what the power switched off stays off until somebody switches it on."""


def _kind(
    what: str,
    value: float,
    low: float,
    high: float,
    begin: Callable[[Rig, float], None],
    mend: Callable[[Rig, float], None],
) -> Kind:
    return Kind(what=what, value=value, low=low, high=high, begin=begin, mend=mend)


def _flag(what: str, begin: Callable[[Rig, float], None], mend: Callable[[Rig, float], None]) -> Kind:
    return Kind(what=what, value=1.0, low=1.0, high=1.0, begin=begin, mend=mend)


def _spell(what: str, begin: Callable[[Rig, float], None], mend: Callable[[Rig, float], None]) -> Kind:
    return Kind(what=what, value=120.0, low=0.0, high=1e6, begin=begin, mend=mend, lasts=True)


# Default values are those of the promises that tests hold us to; ranges are what the instruments could do.
KINDS: dict[str, Kind] = {
    "tc_open": _kind("thermocouple VALUE reads -9999", 1.0, 1.0, 4.0, _open_junction, _close_junction),
    "heater_runaway": _kind("the heater gets VALUE % whatever its controller says", 100.0, 1.0, 100.0, _weld, _unweld),
    "gas_leak": _kind("the share VALUE of the gas is lost each second", 0.05, 0.0, 1.0, _leak, _seal),
    "supply_low": _kind("the supply is VALUE bar", 10.0, 0.0, 200.0, _lower_supply, _restore_supply),
    "stick_slip": _kind("the pressure lags by VALUE GPa, then jumps", 0.3, 0.01, 0.5, _stick, _free),
    "readback_lag": _kind("control mode reads back VALUE s late", 2.0, 0.0, 600.0, _lag, _unlag),
    "ruby_dark": _kind("the share VALUE of the ruby's light is left", 0.0, 0.0, 1.0, _brighten, _normal_brightness),
    "ruby_saturated": _kind("the ruby is VALUE times as bright", 1000.0, 1.0, 1e6, _brighten, _normal_brightness),
    "ruby_lost": _flag("the laser goes off and stays off", _lose_laser, _mend_laser),
    "wavelength_drift": _kind("lines show VALUE nm to the red", 0.05, -1.0, 1.0, _drift, _drift_back),
    "beam_dump": _spell("no ring current for VALUE s", _dump, _refill),
    "shutter_stuck": _flag("the beam shutter stays where it is", _stick_shutter, _free_shutter),
    "plate_jam": _flag("a swap of plates ends in the state Error", _jam, _unjam),
    "plate_torn": _flag("plate files are half as long as they say", _tear, _write_whole),
    "ioc_restart": _restart("membrane"),
    "wrong_egu": _flag("the membrane's controller speaks psi", _speak_psi, _speak_bar),
    **{f"{name}_ioc_restart": _restart(name) for name in WHOSE},
    **{f"{name}_line_lost": _lost_line(name) for name in WHOSE},
    "power_cut": _flag("the power of the hutch fails and comes back", _cut_power, _leave_as_it_is),
}
