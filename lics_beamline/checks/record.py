"""Rules about the record: who and what, room on the disk, and what was recorded in the same folder before."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import Any, Final

from lics_beamline.checks.case import Case
from lics_beamline.checks.finding import Judgement, Rule, fine, graded, refused_if, warned_if
from lics_beamline.files.written_number import UNSIGNED_NUMBER

PLATE_MEGABYTES: Final = 18.006  # 3000 x 3000 words of 16 bits and one header record
REDUCED_MEGABYTES: Final = 1.0  # journals, catalog and reduced pattern of a point; 0.3 measured
RESERVE_MEGABYTES: Final = 500.0  # for logs, figures and a second reduction; a choice
NETWORK: Final = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs")
ELEMENT: Final = r"(?:[A-Z][a-z]?)"  # one symbol; whether it exists is left to the reader
NUMBER: Final = rf"{UNSIGNED_NUMBER}?"
FORMULA: Final = re.compile(rf"(?:\(?{ELEMENT}{NUMBER}(?:\){NUMBER})?[\s+:]*)+")


def sample_is_named(case: Case) -> Judgement:
    """Check that the record will be found by the name of its sample."""
    return _said("sample.name", case.experiment.sample.name)


def operator_is_named(case: Case) -> Judgement:
    """Check that somebody can be asked about the record later."""
    return _said("operator", case.experiment.operator)


def proposal_is_named(case: Case) -> Judgement:
    """Check that the record belongs to a proposal."""
    return _said("proposal", case.experiment.proposal)


def title_is_given(case: Case) -> Judgement:
    """Check that the record can be told from others in a list."""
    return _said("title", case.experiment.title)


def _said(key: str, value: str) -> Judgement:
    return warned_if(not value.strip(), repr(value), "not empty", f"Set {key} in the experiment.")


def composition_is_a_formula(case: Case) -> Judgement:
    """Check that the composition can be read by a program."""
    composition = case.experiment.sample.composition
    return warned_if(
        not FORMULA.fullmatch(composition.strip()),
        repr(composition),
        "symbols of elements with numbers: LiCs, MgSiO3",
        "Mend sample.composition.",
    )


def recipe_can_be_named(case: Case) -> Judgement:
    """Check that the recipe was read whole, and has a digest by which its results are known."""
    recipe = case.recipe
    return fine(f"{case.settings.recipe}, digest {recipe.digest[:12]}", "a recipe that can be read")


def alerts_can_be_sent(case: Case) -> Judgement:
    """Check that there is a program which tells people who are elsewhere."""
    command = case.settings.alerts.command
    if not command:
        return fine("alerts.command is empty: nobody is told elsewhere", "a program of this computer, or none")
    found = shutil.which(command[0])
    return warned_if(
        found is None,
        f"alerts.command begins with {command[0]!r}, {found or 'which is no program here'}",
        "a program of this computer, or none",
        "Mend alerts.command in the profile.",
    )


def data_folder_can_be_written(case: Case) -> Judgement | None:
    """Check that the data folder can be written: record or stop."""
    if case.place is None:
        return None
    return refused_if(
        not case.place.writable,
        f"{case.place.root} {'can' if case.place.writable else 'cannot'} be written",
        "a folder this user may write",
        "Give another --data.",
    )


def disk_has_room(case: Case) -> Judgement:
    """Check that plates, journals and reduced points fit on the disk, with a reserve."""
    plates = case.experiment.most_points + case.experiment.looks
    needed = plates * (PLATE_MEGABYTES + REDUCED_MEGABYTES)
    if case.place is None:
        return fine(f"{plates} plates, {needed:.0f} MB needed", "no data folder given (--data)")
    free = case.place.free_bytes / 1e6
    return graded(
        refuse=free < needed,
        warn=free < needed + RESERVE_MEGABYTES,
        found=f"{plates} plates, {needed:.0f} MB needed, {free:.0f} MB free",
        limit=f"{needed:.0f} MB and {RESERVE_MEGABYTES:.0f} MB in reserve",
        remedy="Free the disk, or give another --data.",
    )


def data_folder_is_on_a_local_disk(case: Case) -> Judgement | None:
    """Check that locks and the catalog's database do not lie on a network file system."""
    if case.place is None or not case.place.filesystem:
        return None
    return warned_if(
        case.place.filesystem.startswith(NETWORK),
        f"file system {case.place.filesystem}",
        "a local disk: locks of journals and the catalog's database are unsafe over a network",
        "Record on a local disk and copy the folder afterwards.",
    )


def nobody_else_records_there(case: Case) -> Judgement | None:
    """Check that no other sweep is being recorded there: it would be at the same cell."""
    if case.place is None:
        return None
    running = [head.uid[:8] for head in case.place.sweeps if head.being_written]
    return refused_if(
        bool(running),
        f"sweep {', '.join(running)} is being recorded"
        if running
        else f"{len(case.place.sweeps)} sweeps, none running",
        "no running sweep",
        "Wait for it, or end it.",
    )


def last_sweep_ended_as_it_should(case: Case) -> Judgement | None:
    """Check that the last sweep did not end in trouble: the cell is then in a state to look at."""
    if case.place is None or not case.place.sweeps:
        return None
    last = case.place.sweeps[-1]
    status = (last.stop or {}).get("exit_status", "no end")
    return warned_if(
        status != "success" and not last.being_written,
        f"sweep {last.uid[:8]}: {status}",
        "success",
        "Look at it (lics show last) and at the cell before the next.",
    )


def experiment_was_not_done_before(case: Case) -> Judgement | None:
    """Check that the same path was not walked with the same sample: that is usually a slip of the hand."""
    if case.place is None:
        return None
    path = [leg.model_dump(mode="json") for leg in case.experiment.legs]
    same = [
        head
        for head in case.place.sweeps
        if head.finished
        and (head.stop or {}).get("exit_status") == "success"
        and head.start.get("path") == path
        and head.start.get("sample", {}).get("name") == case.experiment.sample.name
    ]
    return warned_if(
        bool(same),
        f"{len(same)} times, last as {same[-1].uid[:8]}" if same else "not in this data folder",
        "a path not walked with this sample yet",
        "Go on if this is meant; a second loading deserves its own sample.name.",
    )


def profile_is_that_of_the_last_sweep(case: Case) -> Judgement | None:
    """Check that the profile did not change between two sweeps without anybody knowing."""
    return _same(case, "profile.toml", case.profile.digest, lambda start: start.get("profile", {}).get("digest"))


def geometry_is_that_of_the_last_sweep(case: Case) -> Judgement | None:
    """Check that the geometry did not change between two sweeps without anybody knowing."""
    digest = case.recipe.geometry.digest
    return _same(case, "the geometry", digest, lambda start: start.get("geometry_digest"))


def _same(case: Case, what: str, digest: str, of: Callable[[dict[str, Any]], Any]) -> Judgement | None:
    if case.place is None:
        return None
    mine = [head for head in case.place.sweeps if head.start.get("profile", {}).get("name") == case.settings.name]
    if not mine:
        return None
    before = str(of(mine[-1].start) or "")
    return warned_if(
        before != digest,
        f"{what} {digest[:12]}, sweep {mine[-1].uid[:8]} had {before[:12] or 'none'}",
        "the same digest",
        "Go on if this is meant; the record keeps both.",
    )


RULES: tuple[Rule[Case], ...] = (
    sample_is_named,
    operator_is_named,
    proposal_is_named,
    title_is_given,
    composition_is_a_formula,
    recipe_can_be_named,
    alerts_can_be_sent,
    data_folder_can_be_written,
    disk_has_room,
    data_folder_is_on_a_local_disk,
    nobody_else_records_there,
    last_sweep_ended_as_it_should,
    experiment_was_not_done_before,
    profile_is_that_of_the_last_sweep,
    geometry_is_that_of_the_last_sweep,
)
