"""Hold, continue, stop and note from the page, by the requests of the terminal, where the page was started for that.

A page that was not has no such panel at all, so that nothing a browser sends can reach a sweep.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from bokeh.models import Button, Div, Row, TextInput

from lics_beamline.control.request import Request, SubmittedRequest
from lics_beamline.data_folder import DataFolder
from lics_beamline.monitor.status_panel import STYLE, element
from lics_beamline.sweep_request import (
    MOST_NOTE_CHARACTERS,
    SweepStatus,
    ask,
    asked_after,
    asked_before,
    leave_note,
    overtaken_by,
    sweep_status,
)

LONGEST_NAME_CHARACTERS: Final = 80  # of a person: names are shorter, and the record is read by people
MEANT_FOR_S: Final = 5.0  # within which stop is pressed again: who did it by accident has let it be by then [s]
STOP, STOP_AGAIN = "Stop", "Stop: press again"
CONTROL_STYLE: Final = """
:host { color: #e6edf3; font: 0.8125rem system-ui, 'DejaVu Sans', sans-serif; }
input.bk-input { background: #0d1117; color: #e6edf3; border-color: #30363d; }
.bk-btn.bk-btn-default { background: #21262d; color: #e6edf3; border-color: #9aa4af; opacity: 1; }
.bk-btn.bk-btn-default:hover { background: #30363d; color: #e6edf3; }
.bk-btn.bk-btn-default[disabled] { background: none; color: #9aa4af; border-color: #30363d; }
.bk-btn:focus-visible, input.bk-input:focus { outline: 2px solid #56b4e9; }
"""


class ControlPanel:
    """Asks the sweep that runs in the data folder, whichever run the page shows.

    Parameters
    ----------
    data : DataFolder
        Where it is recorded.
    clock : callable
        Returns a time that only grows [s].

    Attributes
    ----------
    name, why : TextInput
        Who asks, and why; or the text of a note.
    hold, go_on, stop, note : Button
        What is asked.
    says : Div
        How the sweep stands, and what became of the question.
    root : bokeh model
        What is put on the page.
    """

    def __init__(self, data: DataFolder, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._data, self._clock = data, clock
        self._stop_until_s = -1.0
        self._asked: SubmittedRequest | None = None
        self._noted: Path | None = None
        self._told = ""
        self.name = TextInput(title="Your name, for the record", width=250, max_length=LONGEST_NAME_CHARACTERS)
        self.why = TextInput(title="Why, or a note", sizing_mode="stretch_width", max_length=MOST_NOTE_CHARACTERS)
        self.hold, self.go_on = Button(label="Hold", width=90), Button(label="Continue", width=90)
        self.stop, self.note = Button(label=STOP, width=140), Button(label="Note", width=90)
        self.says = Div(text="", stylesheets=[STYLE], sizing_mode="stretch_width", disable_math=True)
        for button, request in ((self.hold, Request.PAUSE), (self.go_on, Request.CONTINUE), (self.stop, Request.STOP)):
            button.on_click(partial(self._ask, request))
        self.note.on_click(self._note)
        self.says.align = "end"
        asking = (self.name, self.why, self.hold, self.go_on, self.stop, self.note)
        for each in asking:
            each.stylesheets = [CONTROL_STYLE]
            each.align = "end"
        self.root = Row(children=[*asking, self.says], sizing_mode="stretch_width", spacing=8)

    def update(self, stands: SweepStatus | None) -> None:
        """Say how the sweep stands, and offer what can be asked of it now.

        Parameters
        ----------
        stands : SweepStatus or None
            How the newest sweep of the folder stands; None where there was none.
        """
        runs = stands is not None and stands.alive
        state = stands.state if stands is not None and runs else ""
        for button, offered in (
            (self.hold, state == "running"),
            (self.go_on, state == "held"),
            (self.stop, state in ("running", "held")),
            (self.note, runs),
        ):
            if button.disabled == offered:
                button.disabled = not offered
        if self._stop_until_s < self._clock() and self.stop.label != STOP:
            self.stop.label = STOP
        if self._asked is not None and stands is not None and stands.answers == self._asked.uid:
            finishing = state == "running" and self._asked.request is not Request.CONTINUE
            self._asked, self._told = self._asked if finishing else None, ""
        if self._asked is not None and runs and (other := overtaken_by(self._data, self._asked)) is not None:
            self._asked, self._told = None, asked_after(other)
        if self._noted is not None and not self._noted.exists():
            self._noted, self._told = None, "noted"
        if (self._asked is not None or self._noted is not None) and not runs:
            self._asked, self._noted, self._told = None, None, "the sweep ended before it heard that"
        said = element("b", state, "good" if state == "running" else "warn") if state else ""
        said += element("span", stands.says if stands is not None and runs else "no sweep is running in this folder")
        if self._told:
            said += element("span", f" · {self._told}", "warn")
        if self.says.text != said:
            self.says.text = said

    def _ask(self, request: Request) -> None:
        who = self._whoever_asks()
        if not who:
            return
        if request is Request.STOP and self._stop_until_s < self._clock():
            self._stop_until_s, self.stop.label = self._clock() + MEANT_FOR_S, STOP_AGAIN
            return
        self._stop_until_s = -1.0
        try:
            self._asked = ask(self._data, request, who=who, why=_one_line(self.why.value))
        except OSError as error:
            self._say(f"this could not be asked: {error}")
            return
        self.why.value = ""
        if self._asked.request is not request:
            self._say(asked_before(self._asked))
            self._asked = None
            return
        self._say(f"{who} asks: {request.word}; what is being measured is finished first")

    def _note(self) -> None:
        who = self._whoever_asks()
        if not who:
            return
        try:
            self._noted = leave_note(self._data, _one_line(self.why.value), who=who)
        except (ValueError, OSError) as error:
            self._say(str(error))
            return
        self.why.value = ""
        self._say("a note waits until what is being measured is finished")

    def _whoever_asks(self) -> str:
        """Return who asks; empty where there is nobody to ask, or to be asked, which is said."""
        stands = sweep_status(self._data)
        if stands is None or not stands.alive:
            self._say("nothing was asked: no sweep is running")
            return ""
        name = _one_line(self.name.value)
        if len(name) > LONGEST_NAME_CHARACTERS or len(self.why.value) > MOST_NOTE_CHARACTERS:
            self._say(
                f"nothing was asked: a name has {LONGEST_NAME_CHARACTERS} characters at most, a reason or a note "
                f"{MOST_NOTE_CHARACTERS}"
            )
            return ""
        if not name:
            self._say("nothing was asked: say your name first, it stands in the record")
            return ""
        return f"{name} (page)"

    def _say(self, told: str) -> None:
        self._told = told
        self.update(sweep_status(self._data))


def _one_line(given: str) -> str:
    return " ".join(given.split())
