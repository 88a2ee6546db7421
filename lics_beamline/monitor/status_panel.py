"""What is told in words: the run and the time left, the approach or ramp, decisions and faults, guard and followers."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from bokeh.models import Div

from lics_beamline.monitor.health import Health
from lics_beamline.monitor.view import Note, RunView
from lics_beamline.units import duration_text

MOST_NOTES: Final = 40  # newest, of a run: the others are in `lics show`
LAGS_AFTER_S: Final = 30.0  # a follower that is behind for longer is marked [s]
MARKS: Final = {"decision": "decided", "hold": "held", "failure": "failed", "resumed": "resumed", "look": "look"}
STYLE: Final = """
:host { font: 0.8125rem/1.45 system-ui, 'DejaVu Sans', sans-serif; color: #e6edf3; overflow: auto; }
.clearfix, :host > div { height: auto; }
h1 { font-size: 1rem; margin: 0 12px 0 0; display: inline; }
h2 { font-size: 0.8125rem; margin: 0 0 3px; color: #e6edf3; }
p { margin: 0 0 8px; overflow-wrap: anywhere; }
ol { list-style: none; margin: 0 0 8px; padding: 0; }
li { margin: 0 0 3px; overflow-wrap: anywhere; }
time { color: #9aa4af; margin-right: 6px; }
b { font-weight: 600; border: 1px solid currentColor; border-radius: 3px; padding: 0 5px; margin-right: 6px; }
.good { color: #2bc79a; } .warn { color: #f0e442; } .bad { color: #ff7a33; } .dim { color: #9aa4af; }
"""
BAD_GUARDS: Final = ("silent", "tripped", "safe")
GOOD_STATES: Final = ("running", "whole")


def element(tag: str, says: object, css: str = "") -> str:
    """Return an element of the page; what it says is text, whatever it holds.

    Parameters
    ----------
    tag : str
        Its name.
    says : object
        Its text, of a document perhaps.
    css : str
        Its class.
    """
    styled = f' class="{css}"' if css else ""
    return f"<{tag}{styled}>{html.escape(str(says))}</{tag}>"


class StatusPanel:
    """Texts of the page.

    Attributes
    ----------
    head, story, health : bokeh model
        What is put on the page.
    """

    def __init__(self) -> None:
        self.head, self.story, self.health = (
            Div(text="", stylesheets=[STYLE], sizing_mode="stretch_both", disable_math=True) for _ in range(3)
        )

    def update(self, view: RunView | None, health: Health, *, now: float, troubles: Sequence[str]) -> None:
        """Say how run, guard and followers stand.

        Parameters
        ----------
        view : RunView or None
            The run; None where there is none.
        health : Health
            Of guard and followers.
        now : float
            Time of day [s since 1970].
        troubles : sequence of str
            What the page itself could not do.
        """
        _say(self.head, (*_alarm(health), *_head(view, now, troubles)))
        _say(self.story, _story(view))
        _say(self.health, _health(view, health, troubles))


def _say(where: Div, content: Iterable[str]) -> None:
    whole = "".join(content)
    if where.text != whole:
        where.text = whole


def _alarm(health: Health) -> Iterable[str]:
    """Say first, in the largest letters, what nobody may miss, whichever run is shown."""
    state = "tripped" if health.trip else health.guard
    if state in BAD_GUARDS:
        yield element("h1", f"guard {state}", "bad")


def _head(view: RunView | None, now: float, troubles: Sequence[str]) -> Iterable[str]:
    if view is None:
        yield element("h1", "Waiting for a run")
        yield element("span", "this page shows it as soon as it begins", "dim")
        for trouble in troubles:
            yield element("span", f" · {trouble}", "warn")
        return
    yield element("h1", view.title or view.sample or view.uid)
    yield element("b", view.state, "good" if view.state in GOOD_STATES else "bad")
    if view.read_share < 1.0:
        yield element("b", f"{view.read_share:.0%} of its record read", "warn")
    asked = f" of {view.asked_points}" if view.asked_points else ""
    yield element("span", f"{view.measured}{asked} points measured, {len(view.reduced)} reduced")
    left = view.left_s(now)
    if left is not None:
        yield element("span", f" · about {duration_text(left)} left at the pace so far")
    who = " · ".join(part for part in (f"run {view.uid[:8]}", view.sample, view.operator) if part)
    yield element("span", f" · {who}", "dim")
    if view.reason:
        yield element("span", f" · {view.reason}", "warn")


def _story(view: RunView | None) -> Iterable[str]:
    if view is None:
        return
    yield element("h2", "Approach or ramp")
    motion = view.motion
    if motion is None:
        yield element("p", "nothing read yet", "dim")
    else:
        yield "<p>" + element("b", motion.phase, "good" if view.state == "running" else "dim")
        yield element("span", f"point {motion.point}, {motion.leg}: {motion.says}") + "</p>"
    yield element("h2", "Decided, held, failed")
    if not view.notes:
        yield element("p", "nothing so far", "dim")
    yield "<ol>" + "".join(_note(note) for note in reversed(view.notes[-MOST_NOTES:])) + "</ol>"


def _note(note: Note) -> str:
    css = {"failure": "bad", "hold": "warn", "resumed": "warn"}.get(note.kind, "good")
    when = f"{datetime.fromtimestamp(note.time).astimezone():%H:%M:%S}"
    return "<li>" + element("time", when) + element("b", MARKS[note.kind], css) + element("span", note.says) + "</li>"


def _health(view: RunView | None, health: Health, troubles: Sequence[str]) -> Iterable[str]:
    yield element("h2", "Interlocks and followers")
    yield "<ol>"
    if health.trip:
        yield "<li>" + element("b", "tripped", "bad") + element("span", health.trip) + "</li>"
    css = "bad" if health.guard in BAD_GUARDS else "good" if health.guard == "watching" else "dim"
    yield "<li>" + element("b", health.guard, css) + element("span", "guard") + "</li>"
    for warning in health.warnings:
        yield "<li>" + element("b", "warning", "warn") + element("span", warning) + "</li>"
    for each in health.followers:
        lags = each.seconds_behind > LAGS_AFTER_S or each.state == "killed"
        runs = each.state not in ("never ran", "ended")
        says = (
            f"{each.name}: {each.documents_behind} documents behind, for {each.seconds_behind:.1f} s"
            if each.documents_behind
            else f"{each.name}: up to date"
            if runs
            else each.name
        )
        css = "warn" if lags else "good" if runs else "dim"
        yield "<li>" + element("b", each.state, css) + element("span", says) + "</li>"
        for one in each.troubles:
            yield "<li>" + element("b", "trouble", "bad") + element("span", one) + "</li>"
    for note in _reduction_notes(view):
        yield "<li>" + element("b", "reduction", "warn") + element("span", note) + "</li>"
    for damage in view.damage if view is not None else ():
        yield "<li>" + element("b", "damage", "bad") + element("span", damage) + "</li>"
    for trouble in troubles:
        yield "<li>" + element("b", "page", "warn") + element("span", trouble) + "</li>"
    yield "</ol>"


def _reduction_notes(view: RunView | None) -> list[str]:
    """Return what the reduction says of points, newest first."""
    noted = [point for point in (view.reduced if view is not None else ()) if point.note]
    return [f"point {point.index + 1}: {point.note}"[:400] for point in reversed(noted[-MOST_NOTES:])]
