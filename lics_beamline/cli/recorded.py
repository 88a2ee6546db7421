"""Verbs that look at what has been recorded: follow, rebuild-catalog, runs, show."""

from __future__ import annotations

import argparse
import math
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import count
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.running_text import tell_line
from lics_beamline.cli.workers import jobs, jobs_of
from lics_beamline.errors import Busy, LicsError, ProfileError, RunNotFound
from lics_beamline.files.given_file import one_line

PAGE_RUNS: Final = 100  # runs of a list: a few screens, and read in well under a second

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.follower.status import Which
    from lics_beamline.journal.head import Head


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb = verbs.add_parser(
        "follow",
        parents=[shared],
        help="follow the journals: fill the catalog, reduce what is recorded",
        description="Run the processes that follow journals, until Ctrl-C. They may be killed and started again at any "
        "time: nothing is lost and nothing is done twice.",
    )
    verb.add_argument("which", nargs="?", choices=("catalog", "reduce", "both"), default="both")
    verb.add_argument("--once", action="store_true", help="catch up with what is there, then end")
    verb.add_argument(
        "--jobs", type=jobs, metavar="N", help="with --once: processes that share the points (default: one a core)"
    )
    verb.add_argument("--status", action="store_true", help="say how far the followers are, and end")
    verb.add_argument(
        "--catalog",
        metavar="URI",
        help="catalogue the runs of this data folder there from now on: https://HOST of a server (lics serve), "
        "postgresql://HOST/DATABASE, or 'embedded' for files of the data folder",
    )
    verb.add_argument(
        "--name", default="", metavar="NAME", help="name of its catalog in Python (default: the one it has, or 'lics')"
    )
    verb.set_defaults(run=follow)
    verb = verbs.add_parser(
        "rebuild-catalog",
        parents=[shared],
        help="make the catalog anew from the journals",
        description="Set the catalog aside, under another name, and make it anew from the journals, which hold all "
        "that was in it. Exit code 3 while another process fills it, 4 where a run cannot be catalogued.",
    )
    verb.set_defaults(run=rebuild_catalog)
    verb = verbs.add_parser(
        "runs",
        parents=[shared, machine],
        help="list what has been recorded",
        description="List the runs below the data folder, oldest first: raw sweeps and what was reduced from them. Of "
        f"many, the newest {PAGE_RUNS} are listed, with how to see the others.",
    )
    pages = verb.add_mutually_exclusive_group()
    pages.add_argument(
        "--page", type=count, metavar="N", help=f"{PAGE_RUNS} runs at a time: 1 has the newest, 2 those before them"
    )
    pages.add_argument("--all", action="store_true", help="all runs, however many they are; --json lists all by itself")
    verb.set_defaults(run=runs)
    verb = verbs.add_parser(
        "show",
        parents=[shared, machine],
        help="show one run: what was asked, what was read, what was found",
        description="Show one run. RUN is 'last', a uid, or its first six characters or more.",
    )
    verb.add_argument("uid", metavar="RUN", nargs="?", default="last")
    verb.set_defaults(run=show)


def follow(options: argparse.Namespace) -> int:
    """Run the followers in this process's name."""
    from lics_beamline.catalog.place import set_catalog_place
    from lics_beamline.catalog.tiled_profile import profile_name, write_profile
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.follower.status import WHICH

    data = data_folder(options)
    if options.status:
        return _tell_status(data)
    if getattr(options, "catalog", None):
        set_catalog_place(data.make(), "" if options.catalog == "embedded" else options.catalog)
    which: tuple[Which, ...] = WHICH if options.which == "both" else (options.which,)
    data.make()
    if options.name:
        sys.stdout.write(f"from Python the catalog is {write_profile(data, name=options.name).stem!r}\n")
    elif "catalog" in which and not profile_name(data) and any(data.raw_journals.iterdir()):
        write_profile(data)
    return _follow_once(options, data, which) if options.once else _follow_on(data, which)


def _tell_status(data: DataFolder) -> int:
    """Say how the followers fare, and which runs they have trouble with."""
    from lics_beamline.follower.status import status

    for fares in status(data):
        sys.stdout.write(
            f"{fares.name:<8} {fares.state}: {fares.documents_behind} documents behind "
            f"({fares.seconds_behind:.1f} s), last run {fares.run[:8] or '-'}"
            f"{f'; said {fares.age} ago' if fares.age else ''}\n"
        )
        for uid, trouble in fares.troubles.items():
            sys.stdout.write(f"         run {uid[:8]}: {trouble}\n")
    return 0


def _follow_once(options: argparse.Namespace, data: DataFolder, which: tuple[Which, ...]) -> int:
    """Deal with all that is recorded, then end; the worst exit code of the followers."""
    from lics_beamline.follower import process as follower
    from lics_beamline.follower.status import finishing, status

    once = ["--once", "--data", str(data.root), "--jobs", str(_jobs(options, data, which))]
    for each in which:
        if pid := finishing(data, each):
            sys.stderr.write(f"waiting for process {pid}, which finishes what its session left ({each})\n")
    if "catalog" in which:
        _set_damaged_aside(data)
    code = max(_to_its_end(follower.start_alone([each, *once])) for each in which)
    for fares in status(data):
        if fares.name in which:
            for uid, trouble in fares.troubles.items():
                sys.stderr.write(f"lics follow {fares.name}: run {uid[:8]}: {trouble}\n")
    return code


def _follow_on(data: DataFolder, which: tuple[Which, ...]) -> int:
    """Deal with what is recorded as it comes, until Ctrl-C."""
    from lics_beamline.follower import process as follower

    running = [follower.start(data, each) for each in which]
    tell_line(f"following {data.root}; logs in {data.logs}. Ctrl-C ends it.")
    try:
        return max(process.wait() for process in running)
    except KeyboardInterrupt:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        return 0


def _to_its_end(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process and return its exit code; a Ctrl-C ends it after the document it is at."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()


def _set_damaged_aside(data: DataFolder) -> None:
    """Set a damaged catalog aside, unless somebody else writes it; here it is said where a person sees it.

    That it is locked is said here too, and waited for: what follows journals says it in its log.
    """
    from lics_beamline.catalog.cataloguer import LOCK_NAME
    from lics_beamline.catalog.soundness import set_damaged_aside, wait_until_free
    from lics_beamline.journal import lock

    wait_until_free(data, patience_s=math.inf)
    try:
        with lock.sole(data.logs / LOCK_NAME, what=f"cataloguing of {data.root}"):
            set_damaged_aside(data)
    except Busy:
        return  # who writes it has looked


def rebuild_catalog(options: argparse.Namespace) -> int:
    """Set the catalog aside and make it anew from the journals."""
    from lics_beamline.catalog.cataloguer import LOCK_NAME
    from lics_beamline.catalog.place import catalog_place
    from lics_beamline.catalog.soundness import require_nameable
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.files.whole_file import set_aside
    from lics_beamline.journal import lock

    data = data_folder(options)
    place = catalog_place(data)
    if not place.is_embedded:
        raise ProfileError(
            f"the runs of {data.root} are catalogued at {place.uri}, which others use too: nothing is made anew there. "
            "`lics follow catalog --once` adds what it has not.",
            uri=place.uri,
        )
    require_nameable(data)
    if not data.raw_journals.is_dir():
        raise RunNotFound(f"{data.root} holds no journals, from which a catalog could be made.", root=str(data.root))
    try:
        with lock.sole(data.logs / LOCK_NAME, what=f"cataloguing of {data.root}"):
            if data.catalog.exists():
                aside = set_aside(data.catalog, why="old")
                tell_line(f"the catalog of before is kept as {aside}; remove it when you do not miss it")
    except Busy as busy:
        sys.stderr.write(f"lics rebuild-catalog: {busy}\n")
        return 3
    options.which, options.once, options.status, options.jobs = "catalog", True, False, None
    options.name = ""
    return follow(options)


def _jobs(options: argparse.Namespace, data: DataFolder, which: Sequence[str]) -> int:
    """Return how many processes the sweeps that are not reduced yet are worth."""
    from lics_beamline.journal.head import heads
    from lics_beamline.replay import prepare
    from lics_beamline.schema import SWEEP

    if options.jobs or "reduce" not in which:
        return int(options.jobs or 1)
    points = 0
    for head in heads(data.raw_journals):
        try:
            points += prepare(data, head.uid).points if head.start.get("purpose") == SWEEP else 0
        except LicsError:
            continue  # the follower tells of it
    return jobs_of(options, points)


def runs(options: argparse.Namespace) -> int:
    """List the runs; a list that lacks one of them is no whole list, which the exit code tells."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.journal.head import head, listing

    data = data_folder(options)
    raw, derived = listing(data.raw_journals), listing(data.derived_journals)
    damaged = len(raw.damaged) + len(derived.damaged)
    found = sorted((*raw.entries, *derived.entries), key=lambda entry: entry.time)
    page = options.page or (0 if options.all or options.json else 1)
    last = len(found) - PAGE_RUNS * (page - 1) if page else len(found)
    first = max(0, last - PAGE_RUNS) if page else 0
    shown = (head(entry.path) for entry in found[first : max(0, last)])
    rows = [_row(each) for each in shown if each is not None]
    if options.json:
        tell_json(rows)
    elif not rows and found:
        sys.stdout.write(f"page {page} is empty: {len(found)} runs fill {-(-len(found) // PAGE_RUNS)}.\n")
    elif not rows and not damaged:
        sys.stdout.write(f"no runs below {data.root}. lics dry-run makes one.\n")
    else:
        if first:
            sys.stdout.write(f"{first} older runs: lics runs --page {page + 1}, or --all\n")
        _tell(rows)
    if damaged:
        what = "a damaged journal is" if damaged == 1 else f"{damaged} damaged journals are"
        sys.stderr.write(f"{what} left out. lics verify says what is lost and what to do.\n")
    return 4 if damaged else 0


def _tell(rows: list[dict[str, str]]) -> None:
    """Write a line a run."""
    from lics_beamline.cli.terminal import folded

    for row in rows:
        of = f"of {row['raw_uid'][:8]} by recipe {row['recipe_digest'][:8]}" if row["raw_uid"] else row["title"]
        what = row["purpose"] or row["plan_name"]  # a stock plan has no purpose
        line = f"{row['uid'][:8]}  {row['time'][:19]}  {what:<11}  {row['state']:<9}  {row['sample']}  {of}"
        sys.stdout.write(folded(one_line(line)) + "\n")


def show(options: argparse.Namespace) -> int:
    """Show one run."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.cli.run_summary import WIDE_COLUMNS, story
    from lics_beamline.cli.terminal import folded
    from lics_beamline.exports.recorded_run import find_any

    data = data_folder(options)
    told = story(data, find_any(data, options.uid))
    if options.json:
        tell_json(told.as_dict())
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE_COLUMNS
        sys.stdout.write("\n".join(folded(one_line(line)) for line in told.lines(columns)) + "\n")
    return 0


def _row(head: Head) -> dict[str, str]:
    from lics_beamline.exports.panel_words import run_state

    start = head.start
    return {
        "uid": head.uid,
        "time": datetime.fromtimestamp(head.time, tz=UTC).isoformat(),
        "purpose": str(start.get("purpose", "")),
        "plan_name": str(start.get("plan_name", "")),
        "scan_id": str(start.get("scan_id", "")),
        "state": run_state(head.exit_status, being_written=head.being_written),
        "sample": str(start["sample"].get("name", "")) if isinstance(start.get("sample"), dict) else "",
        "title": str(start.get("title", "")),
        "raw_uid": str(start.get("raw_uid", "")),
        "recipe_digest": str(start.get("recipe_digest", "")),
        "journal": str(head.path),
    }
