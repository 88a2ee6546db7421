"""All that was recorded in a data folder, or some runs of it, against what is on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lics_beamline import schema
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import RunNotFound
from lics_beamline.journal.head import SHORTEST_PREFIX
from lics_beamline.journal.whole_sweep import RESUMES
from lics_beamline.journal.writer import SUFFIX
from lics_beamline.verification.difference import Difference
from lics_beamline.verification.index import judge_catalog
from lics_beamline.verification.plates import judge_plates
from lics_beamline.verification.record import Record, read_record
from lics_beamline.verification.reductions import judge_reduction


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was looked at and found.

    Parameters
    ----------
    runs, documents, plates : int
        How many were looked at.
    differences : tuple of Difference
        What is not as recorded, and what a person may want to know.
    """

    runs: int
    documents: int
    plates: int
    differences: tuple[Difference, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be done."""
        return not any(each.is_wrong for each in self.differences)


def verify(data: DataFolder, names: Sequence[str] = ()) -> Verified:
    """Hold what is on disk against what was recorded; nothing is written.

    Parameters
    ----------
    data : DataFolder
        The data folder; it may be a copy that cannot be written.
    names : sequence of str
        Runs: ``last``, uids or their first characters; of a raw run, what was derived from it too. Empty for all.

    Raises
    ------
    RunNotFound
        If there is no such run, or no data folder.
    """
    if not data.raw_journals.is_dir():
        raise RunNotFound(f"{data.root} holds no journals. Give the data folder by --data.", root=str(data.root))
    recorded = [read_record(path) for path in _journals(data.raw_journals)]
    raw = {record.uid: record for record in sorted(recorded, key=lambda each: each.path.stem == each.uid)}
    derived = [read_record(path) for path in _journals(data.derived_journals)]
    found = _chosen(names, recorded, derived)
    differences = [difference for record in found for difference in record.differences]
    is_derived = {each.path for each in derived}
    chosen = [each for each in found if each.path in is_derived or raw[each.uid] is each]  # a copy counts for nothing
    for record in chosen:
        if record.path in is_derived:
            differences += judge_reduction(record, _runs_of(str(record.start.get("raw_uid")), raw), derived)
        else:
            differences += judge_plates(data, record)
            differences += _judge_earlier(record, raw)
    reduced = {run.uid for each in derived for run in _runs_of(str(each.start.get("raw_uid")), raw)}
    for record in chosen:
        if record.start.get("purpose") == schema.SWEEP and record.read and record.uid not in reduced:
            says = f"it has not been reduced; lics replay {record.uid[:8]} does it"
            differences.append(Difference(run=record.uid, where=str(record.path), says=says))
    differences += judge_catalog(data, chosen, all_runs=not names)
    return Verified(
        runs=len(chosen),
        documents=sum(record.documents for record in chosen),
        plates=sum(len(record.frames) for record in chosen),
        differences=tuple(differences),
    )


def _runs_of(uid: str, raw: Mapping[str, Record]) -> list[Record]:
    """Return a run and those that it resumes, newest first; each once, as far as they are here."""
    found: dict[str, Record] = {}
    while uid in raw and uid not in found:
        found[uid] = raw[uid]
        uid = str(raw[uid].start.get(RESUMES))
    return list(found.values())


def _judge_earlier(record: Record, raw: Mapping[str, Record]) -> Iterator[Difference]:
    """Yield that a run resumes another whose journal is not here: its sweep cannot be read as one."""
    resumed = str(record.start.get(RESUMES, ""))
    if resumed and resumed not in raw:
        says = f"it resumes run {resumed}, whose journal is not here: what that one measured is missing"
        yield Difference(run=record.uid, where=str(record.path), says=says, remedy="Restore that journal from a copy.")


def _journals(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def _chosen(names: Sequence[str], raw: list[Record], derived: list[Record]) -> list[Record]:
    """Return the records that are meant, each once, raw ones with what was derived from them."""
    everything = [*raw, *derived]
    if not names:
        return everything
    chosen: dict[Path, Record] = {}
    for name in names:
        if name == "last" and raw:
            meant = [max(raw, key=_began)]
        else:
            meant = [
                each
                for each in everything
                if name in (each.uid, each.path.stem)
                or (len(name) >= SHORTEST_PREFIX and (each.uid.startswith(name) or each.path.stem.startswith(name)))
            ]
        if not meant:
            raise RunNotFound(f"no run answers to {name!r} among {len(everything)}. lics runs lists them.", name=name)
        for record in meant:
            made_of_it = (each for each in derived if each.start.get("raw_uid") == record.uid)
            chosen |= {each.path: each for each in (record, *made_of_it)}
    return list(chosen.values())


def _began(record: Record) -> float:
    time = record.start.get("time")
    return float(time) if isinstance(time, (int, float)) else 0.0
