"""An operator screen for Phoebus, made from the PVs that a device reads and writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree

from ophyd import Device, EpicsMotor, EpicsSignalRO
from ophyd.signal import EpicsSignalBase

WIDGETS: Final = {  # version of each kind in the Display Builder of Phoebus 4.7
    "label": "2.0.0",
    "textupdate": "2.0.0",
    "textentry": "3.0.0",
    "combo": "2.0.0",
    "xyplot": "3.0.0",
    "action_button": "3.0.0",
}
TEXTS: Final = (
    "Lease",
    "FilePath",
    "FileName",
    "FileTemplate",
)  # what is written as letters, not as one of some states
ARRAYS: Final = {"image1:ArrayData": "Wavelength"}  # what is plotted, over what
NEVER_WRITTEN: Final = ("Vent", "Lease")  # gas is never let out by a click, and the lease is the sessions' own
MOTOR_FIELDS: Final = {"": "textentry", ".RBV": "textupdate", ".DMOV": "textupdate", ".VELO": "textentry"}
ROW_PX: Final = 26
LABEL_PX, FIELD_PX, GAP_PX = 220, 200, 10
PLOT_PX: Final = 300
STRING_FORMAT: Final = "6"  # of Phoebus: a text, also where it comes as an array of characters


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenRow:
    """One PV on a screen.

    Parameters
    ----------
    label : str
        What stands beside it.
    name : str
        The PV, after the prefix of its instrument.
    widget : str
        Kind of widget that shows it.
    over : str
        PV of the abscissa, of an array.
    """

    label: str
    name: str
    widget: str
    over: str = ""


def rows(kind: type[Device]) -> tuple[ScreenRow, ...]:
    """Return what the screen of an instrument shows: each PV of a device once, what is written as what writes it."""
    found: dict[str, ScreenRow] = {}
    for component, suffix in _components(kind):
        if issubclass(component.cls, EpicsMotor):
            for field, widget in MOTOR_FIELDS.items():
                found[suffix + field] = ScreenRow(label=suffix + field, name=suffix + field, widget=widget)
            continue
        names = {suffix: _widget(component, suffix), component.kwargs.get("write_pv", ""): "textentry"}
        if "write_pv" in component.kwargs:
            names[suffix] = "textupdate"
        for name, widget in names.items():
            if name and (name not in found or found[name].widget == "textupdate"):
                found[name] = ScreenRow(label=name, name=name, widget=widget, over=ARRAYS.get(name, ""))
    plotted = {row.over for row in found.values()}
    return tuple(row for row in found.values() if row.name not in plotted)


def screen(title: str, prefix: str, instrument: str, shown: Sequence[ScreenRow]) -> str:
    """Return a screen as XML.

    Parameters
    ----------
    title : str
        Of the display.
    prefix : str
        Prefix of the beamline: macro ``P``, which whoever opens the screen may set to another.
    instrument : str
        Prefix of the instrument after it.
    shown : sequence of ScreenRow
        What it shows.
    """
    display = _display(title, prefix)
    top = ROW_PX + GAP_PX
    for row in shown:
        pv = f"$(P){instrument}{row.name}"
        if row.widget == "xyplot":
            plot = _widget_at(display, "xyplot", row.label, x=GAP_PX, y=top, width=LABEL_PX + FIELD_PX, height=PLOT_PX)
            trace = ElementTree.SubElement(ElementTree.SubElement(plot, "traces"), "trace")
            for tag, text in (("name", row.label), ("x_pv", f"$(P){instrument}{row.over}"), ("y_pv", pv)):
                ElementTree.SubElement(trace, tag).text = text
            top += PLOT_PX + GAP_PX
            continue
        label = _widget_at(display, "label", f"{row.label} label", x=GAP_PX, y=top, width=LABEL_PX, height=ROW_PX - 4)
        ElementTree.SubElement(label, "text").text = row.label
        field = _widget_at(
            display, row.widget, row.label, x=GAP_PX + LABEL_PX, y=top, width=FIELD_PX, height=ROW_PX - 4
        )
        ElementTree.SubElement(field, "pv_name").text = pv
        if row.name in TEXTS or row.name.endswith(("FileName_RBV", "Message_RBV", "Model_RBV")):
            ElementTree.SubElement(field, "format").text = STRING_FORMAT
        top += ROW_PX
    return _text(display, height=top + GAP_PX)


def overview(title: str, prefix: str, files: Sequence[str]) -> str:
    """Return a screen with a button for each of the other screens."""
    display = _display(title, prefix)
    top = ROW_PX + GAP_PX
    for file in files:
        button = _widget_at(
            display, "action_button", file, x=GAP_PX, y=top, width=LABEL_PX + FIELD_PX, height=ROW_PX - 4
        )
        ElementTree.SubElement(button, "text").text = file.removesuffix(".bob")
        action = ElementTree.SubElement(ElementTree.SubElement(button, "actions"), "action", type="open_display")
        for tag, text in (("file", file), ("target", "tab"), ("description", file.removesuffix(".bob"))):
            ElementTree.SubElement(action, tag).text = text
        top += ROW_PX
    return _text(display, height=top + GAP_PX)


def _components(kind: type[Device], before: str = "") -> Iterator[tuple[Any, str]]:
    """Give component and suffix of each PV of a device class, a motor as one."""
    for name in kind.component_names:
        component = getattr(kind, name)
        suffix = before + (component.suffix or "")
        if issubclass(component.cls, EpicsMotor | EpicsSignalBase):
            yield component, suffix
        elif issubclass(component.cls, Device):
            yield from _components(component.cls, suffix)


def _widget(component: Any, suffix: str) -> str:
    if suffix in ARRAYS:
        return "xyplot"
    if issubclass(component.cls, EpicsSignalRO) or suffix in NEVER_WRITTEN:
        return "textupdate"
    return "combo" if component.kwargs.get("string") and suffix not in TEXTS else "textentry"


def _display(title: str, prefix: str) -> ElementTree.Element:
    display = ElementTree.Element("display", version="2.0.0")
    ElementTree.SubElement(display, "name").text = title
    ElementTree.SubElement(ElementTree.SubElement(display, "macros"), "P").text = prefix
    width = 2 * GAP_PX + LABEL_PX + FIELD_PX
    ElementTree.SubElement(display, "width").text = str(width)
    heading = _widget_at(display, "label", "title", x=GAP_PX, y=4, width=width - 2 * GAP_PX, height=ROW_PX)
    ElementTree.SubElement(heading, "text").text = f"{title}   $(P)"
    return display


def _widget_at(display: ElementTree.Element, kind: str, name: str, **place: int) -> ElementTree.Element:
    widget = ElementTree.SubElement(display, "widget", type=kind, version=WIDGETS[kind])
    ElementTree.SubElement(widget, "name").text = name
    for tag, pixels in place.items():
        ElementTree.SubElement(widget, tag).text = str(pixels)
    if kind == "combo":
        ElementTree.SubElement(widget, "items_from_pv").text = "true"
    return widget


def _text(display: ElementTree.Element, *, height: int) -> str:
    tall = ElementTree.Element("height")
    tall.text = str(height)
    display.insert(3, tall)
    ElementTree.indent(display)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(display, encoding="unicode")}\n'
