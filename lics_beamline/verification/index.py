"""The catalog against the journals it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lics_beamline.catalog.indexed_run import IndexedRun, asked_runs, indexed_runs
from lics_beamline.catalog.place import catalog_place
from lics_beamline.catalog.soundness import damage, wait_until_free
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy, LicsError
from lics_beamline.extras import require
from lics_beamline.verification.difference import Difference
from lics_beamline.verification.record import Record


def judge_catalog(data: DataFolder, records: Iterable[Record], *, all_runs: bool) -> Iterator[Difference]:
    """Yield what is wrong with the catalog of a data folder.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    records : iterable of Record
        Its journals, or some of them.
    all_runs : bool
        Whether these are all: then a run that only the catalog has is named.
    """
    anew = f"lics rebuild-catalog --data {data.root} makes it anew."

    records = tuple(records)
    place = catalog_place(data)
    where = place.uri or str(data.catalog)
    if not place.is_embedded:
        anew = "lics follow catalog --once adds it."

    def differs(run: str, says: str, remedy: str = anew) -> Difference:
        return Difference(run=run, where=where, says=says, remedy=remedy)

    if not place.is_embedded:
        try:
            require("tiled", what="a look at it")
            asked = asked_runs(data, [record.uid for record in records if record.start])
        except LicsError as error:
            yield differs("", str(error), "")
            return
        yield from (
            differs(record.uid, says, remedy or anew)
            for record in records
            if record.start and not record.being_written
            for says, remedy in _faults(record, asked)
        )
        return
    if not records and not data.catalog.exists():
        return  # one is made when there is a first run
    if not data.catalog.is_dir():
        yield differs("", "there is no catalog; lics follow catalog --once makes one", "")
        return
    try:
        wait_until_free(data)
    except Busy as busy:
        yield differs("", "the catalog was not looked at", str(busy))
        return
    if problem := damage(data, thoroughly=True):
        yield differs("", f"the catalog is damaged: {problem}")
        return
    indexed = indexed_runs(data)
    if indexed is None:
        yield differs("", "it was made where the data folder was before; lics follow catalog --once makes it anew", "")
        return
    known = {record.uid for record in records if record.start}
    for record in records:
        if record.start and not record.being_written:
            yield from (differs(record.uid, says, remedy or anew) for says, remedy in _faults(record, indexed))
    for uid in sorted(set(indexed) - known) if all_runs else ():
        yield differs(uid, "the catalog has this run and no journal has", "Restore its journal from a copy.")


def _faults(record: Record, indexed: dict[str, IndexedRun]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a run in the catalog, and what to do where that is not to make the catalog anew."""
    follow = "lics follow catalog --once adds it."
    run = indexed.get(record.uid)
    if run is None:
        yield "the catalog does not have this run", follow
        return
    if record.stop and run.stop_uid != record.stop.get("uid"):
        yield "the catalog has another stop document of this run, or none", follow
        return
    if not record.stop:
        return
    for stream, count in record.events.items():
        if run.rows.get(stream, 0) != count:
            yield f"the catalog has {run.rows.get(stream, 0)} events of stream {stream}, and the journal {count}", ""
    for missing in run.missing[:1]:
        more = f" and {len(run.missing) - 1} more are" if len(run.missing) > 1 else " is"
        yield f"{missing}{more} not there, and the catalog reads from it", ""
