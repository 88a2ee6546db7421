"""The end of a sweep: its figure, and where everything is."""

from __future__ import annotations

import sys
from collections import Counter

from lics_beamline.analysis.logbook_page import write_logbook
from lics_beamline.catalog.place import catalog_place
from lics_beamline.cli.fault import tell_fault
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.logbook import logbook_of, summary_figure
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import RunNotFound
from lics_beamline.experiment import Experiment
from lics_beamline.exports.figure import draw_summary
from lics_beamline.exports.recorded_run import newest_reduction
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.follower.status import trouble_with
from lics_beamline.journal.events import events
from lics_beamline.journal.head import find
from lics_beamline.journal.reader import read
from lics_beamline.schema import PRIMARY, READOUT


def tell_recorded(data: DataFolder, raw_uid: str, experiment: Experiment, *, verb: str, as_json: bool) -> int:
    """Say what of a sweep was recorded, where a person did not wait for the rest; return the exit code.

    Parameters
    ----------
    data : DataFolder
        Where the sweep was recorded.
    raw_uid : str
        Its uid; empty when it never began.
    experiment : Experiment
        What was asked for.
    verb : str
        The verb that walked it.
    as_json : bool
        Tell it to a program too.
    """
    if not raw_uid:
        says = "interrupted before the run began: nothing was recorded"
        return tell_fault(says, 4, kind="interrupted", verb=verb, as_json=as_json)
    try:
        raw = find(data.raw_journals, raw_uid)
    except RunNotFound:
        return tell_fault(_journal_is_gone(data, raw_uid), 4, kind="journal is gone", verb=verb, as_json=as_json)
    recorded = Counter(event.stream for event in events(read(raw.path)))
    says = (
        f"interrupted: {recorded[PRIMARY]} of {len(experiment.points())} points are recorded, {recorded[READOUT]} of "
        f"their plates are read, in {raw.path}. lics follow --once reduces them and fills the catalog."
    )
    return tell_fault(says, 4, kind="interrupted", verb=verb, as_json=as_json)


def _journal_is_gone(data: DataFolder, raw_uid: str, *, ended_by: str = "") -> str:
    """Return what is said of a run whose journal is in the data folder no more."""
    return (
        f"run {raw_uid} ended{f': {ended_by}' if ended_by else ''}\n{data.raw_journals} has its journal no more: "
        "the folder was moved or deleted, or its disk taken away. Bring it back; lics verify says what of it is whole."
    )


def summarise(data: DataFolder, raw_uid: str, *, ended_by: str, catalogued: bool, verb: str, as_json: bool) -> int:
    """Draw the summary figure of a sweep and say where everything is.

    Parameters
    ----------
    data : DataFolder
        Where the sweep was recorded.
    raw_uid : str
        Its uid; empty when it never began.
    ended_by : str
        Why it ended early; empty when it did not.
    catalogued : bool
        Whether somebody fills the catalog.
    verb : str
        The verb that walked it.
    as_json : bool
        Print JSON instead of lines.

    Returns
    -------
    int
        Exit code: 0 when the sweep ran to its end, else 4.
    """
    if not raw_uid:
        says = f"the sweep ended before its run began: {ended_by or 'it has no points'}"
        return tell_fault(says, 4, kind="not begun", verb=verb, as_json=as_json)
    try:
        raw = find(data.raw_journals, raw_uid)
    except RunNotFound:
        says = _journal_is_gone(data, raw_uid, ended_by=ended_by)
        return tell_fault(says, 4, kind="journal is gone", verb=verb, as_json=as_json)
    places = {"raw journal": str(raw.path)}
    figure, run = summary_figure(data, raw_uid), None
    try:
        derived = newest_reduction(data, raw_uid)
    except RunNotFound:
        places["reduced run"] = "none yet; lics follow --once reduces what was recorded"
    else:
        run = reduced_run(read(derived.path))
        places["reduced run"] = str(derived.path)
        if not derived.finished:
            why = _in_brackets(trouble_with(data, "reduce", raw_uid))
            places["to do"] = f"the reduced run is not whole yet{why}; lics follow --once goes on with it"
    try:
        if run is not None and run.points:
            places["figure"] = str(draw_summary(run, figure))
        book = logbook_of(data, raw, run)
        places["logbook"] = str(write_logbook(book, data.logbooks / f"{raw_uid[:8]}.html", figure=figure))
        write_logbook(book, data.logbooks / f"{raw_uid[:8]}.md", figure=figure)
    except OSError as error:  # a full disk, or a folder that is gone, keeps nobody from hearing how the sweep ended
        places["logbook"] = f"not written ({error}); lics logbook {raw_uid[:8]} writes it once that is mended"
    places["plates"] = str(data.plates / raw.start["plate_folder"])
    trouble = trouble_with(data, "catalog", raw_uid)
    catalogued &= not trouble
    places["catalog"] = (
        (catalog_place(data).uri or str(data.catalog))
        if catalogued
        else f"not yet{_in_brackets(trouble)}; lics follow catalog --once fills it"
    )
    ended = raw.exit_status or "not ended"
    whole = ended == "success"
    if as_json:
        tell_json({"uid": raw_uid, "exit_status": ended, "ended_by": ended_by, **places})
    else:
        sys.stdout.write(f"\nrun {raw_uid}: {ended}{f': {ended_by}' if ended_by else ''}\n")
        for what, where in places.items():
            sys.stdout.write(f"  {what:<12} {where}\n")
        if catalogued:
            from lics_beamline.catalog.tiled_profile import FIRST_NAME, profile_name

            name = profile_name(data) or FIRST_NAME
            sys.stdout.write(f'  from Python  databroker.from_profile("{name}")\n')
    return 0 if whole else 4


def _in_brackets(trouble: str) -> str:
    """Return what troubles a follower as it stands within a sentence; empty where nothing does."""
    return f" ({trouble})" if trouble else ""
