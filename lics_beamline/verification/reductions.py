"""Derived runs against the raw runs they were made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lics_beamline.errors import LicsError
from lics_beamline.reduction.recipe import REDUCTION_REVISION, recipe_of
from lics_beamline.reduction.reducer import derived_uid
from lics_beamline.verification.difference import Difference
from lics_beamline.verification.record import Record


def judge_reduction(derived: Record, runs: Sequence[Record], others: Sequence[Record] = ()) -> Iterator[Difference]:
    """Yield what is wrong with a derived run.

    Parameters
    ----------
    derived : Record
        The derived run.
    runs : sequence of Record
        The run it says it was made of, and those before it that it resumes: of a sweep that was cut off, every point is
        reduced. Empty where it is not here.
    others : sequence of Record
        Derived runs among which there may be one that has taken its place, whose points then count.
    """
    start, where = derived.start, str(derived.path)
    raw_uid = str(start.get("raw_uid", ""))
    anew = f"lics replay {raw_uid[:8]} makes it anew, once this file is out of the way."

    def differs(says: str, remedy: str) -> Difference:
        return Difference(run=derived.uid, where=where, says=says, remedy=remedy)

    if not start:
        remedy = "Put it out of the way; lics replay of its raw run makes it anew."
        yield differs("it has no start document: which run it was made of is not known", remedy)
        return
    problem = _identity_fault(start)
    if problem:
        yield differs(problem, anew)
    if not runs or not runs[0].start:
        yield differs(
            f"the raw run {raw_uid} that it was made of is not here, or cannot be used",
            "Restore its journal from a copy.",
        )
        return
    exposures = {exposure for run in runs for exposure in run.read}
    exposed = {exposure for run in runs for exposure in run.exposed}
    reduced = set(derived.reduced)
    if extra := reduced - exposures:
        yield differs(f"{len(extra)} points are of exposures that its raw run does not have", anew)
    lacking = exposures & exposed - reduced
    if lacking and not derived.being_written and not runs[0].being_written:
        says = f"{len(lacking)} of {len(exposures)} points of its raw run are not in it"
        if later := next((each for each in others if _takes_the_place_of(each, derived)), None):
            yield differs(f"{says}; run {later.uid[:8]}, a later one by the same recipe, has taken its place", "")
        else:
            how = "makes it anew" if derived.stop else "goes on with it"
            if start.get("reduction_revision") != REDUCTION_REVISION:
                how = "makes one by this version of the program, which then takes its place"
            yield differs(says, f"lics replay {raw_uid[:8]} {how}.")


def _takes_the_place_of(later: Record, earlier: Record) -> bool:
    """Whether a derived run is whole, and was made of the same run by the same recipe in a later way or attempt."""
    same = all(later.start.get(key) == earlier.start.get(key) for key in ("raw_uid", "recipe_digest"))
    return same and bool(later.stop) and _made(later.start) > _made(earlier.start)


def _made(start: Mapping[str, Any]) -> tuple[int, int]:
    """Return revision and attempt of a derived run."""
    return int(start.get("reduction_revision", 0)), int(start.get("attempt", 1))


def _identity_fault(start: Mapping[str, Any]) -> str:
    """Return how the recipe, its digest and the uid contradict each other; empty where they do not."""
    try:
        found = recipe_of(start["recipe"]).digest
    except (LicsError, KeyError) as error:
        return f"its recipe cannot be read: {error}"
    said = str(start.get("recipe_digest", ""))
    if start.get("reduction_revision") != REDUCTION_REVISION:
        return ""  # of another version of this program, which may have read the recipe otherwise
    if found != said:
        return f"its recipe has the digest {found[:12]}... and it says {said[:12]}..."
    made_of = derived_uid(
        sweep_uid=str(start.get("sweep_uid", "")),
        raw_uid=str(start.get("raw_uid", "")),
        recipe_digest=found,
        attempt=int(start.get("attempt", 1)),
    )
    return "" if made_of == start.get("uid") else f"its uid is not that of its raw run and recipe, which is {made_of}"
