"""``lics ...``: the front door at the command line. An error is one message, never a traceback."""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import logging
import os
import stat
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from lics_beamline import __version__
from lics_beamline.cli.completion import answer_shell
from lics_beamline.cli.damage import DamageHeard
from lics_beamline.cli.fault import readable, tell_fault
from lics_beamline.cli.interruption import listen
from lics_beamline.errors import (
    Busy,
    LicsError,
    NotAcknowledged,
    NotConnected,
    NotInstalled,
    ProfileError,
    RunNotFound,
    WrongUnit,
)
from lics_beamline.extras import not_installed

EXIT_DONE, EXIT_USAGE, EXIT_NOT_READY, EXIT_FAILED = 0, 2, 3, 4
ROOMS = (  # modules beside this one that add verbs, in the order of the help
    "new_experiment",
    "new_profile",
    "screens",
    "record",
    "resume",
    "recorded",
    "monitor",
    "import_frames",
    "verify",
    "serve",
    "requests",
    "guard",
    "reduce",
    "watch",
    "compare",
    "calibrate",
    "geometry",
    "calibrate_plate",
    "calibrate_gradient",
    "refine",
    "fit",
    "index",
    "analyse",
    "discover",
    "logbook",
    "export",
    "pressure",
    "completion",
)

DISK_TROUBLE = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ENOTCONN}
)
PATH_TROUBLE = frozenset(  # of a path that people gave
    {errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG}
)

EPILOG = """\
examples:
  lics dry-run                          the paper's sweep on simulated hardware, at 300 times the speed of time
  lics dry-run --points 3               the same, its first three points only
  lics new mine.toml                    asks for an experiment, and writes its file
  lics check lics-2015                  judge an experiment before the first move
  lics hold --why "look at the gasket"  hold a running sweep, from any terminal; lics continue, lics stop
  lics resume                           go on with a sweep that was cut off
  lics monitor                          a page in the browser that shows the newest sweep as it goes on
  lics runs                             what has been recorded below ./lics-data
  lics verify                           whether all that was recorded is still there
  lics replay last --recipe mine.toml   reduce the newest sweep again, another way
  lics calibrate plate.osc --calibrant CeO2   distance, centre and tilt from a frame of a calibrant
  lics export last --for xye --to out   patterns for a refinement program
  lics refine last 12                   rival structures at point 12, ranked, with a figure
  lics analyse last --paper             the paper's table, recovered from the newest sweep, and a report
  lics logbook last --to sweep.html     what was asked, done, decided and said, and when
  lics discover last                    phases that nobody named: their lines, where they come and go

exit codes: 0 done, 2 usage, 3 beamline not ready, 4 run failed or its journal damaged
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.

    Returns
    -------
    int
        0 done, 2 usage, 3 beamline not ready, 4 run failed or its journal damaged.
    """
    try:
        made = parser()
        answer_shell(made)
        options = made.parse_args(arguments)
    except BadCommandLine as error:
        sys.stderr.write(error.usage)
        asked = sys.argv[1:] if arguments is None else arguments
        lines = (f"{error.prog}: error: {error}",)
        tell_fault(str(error), EXIT_USAGE, kind="usage", verb=error.prog, as_json="--json" in asked, lines=lines)
        raise SystemExit(EXIT_USAGE) from None
    except KeyboardInterrupt:  # the verbs take half a second to load, on a busy computer several
        sys.stderr.write("lics: interrupted before anything was begun.\n")
        return EXIT_FAILED
    listen()
    damage = _set_up_words(verbose=options.verbose)
    try:
        code = int(options.run(options))
        if code == EXIT_DONE and damage:
            return tell_fault(
                "a journal is damaged: all of the above rests on what could be used of it. lics verify says what is "
                "lost and what to do.",
                EXIT_FAILED,
                kind="damaged",
                verb=options.verb,
                as_json=False,  # what was asked for has been told
            )
        return code
    except (Busy, NotAcknowledged, NotConnected, NotInstalled, WrongUnit) as error:
        return _end(error, EXIT_NOT_READY, options)
    except ModuleNotFoundError as error:
        missing = not_installed(error)
        return _end(missing, EXIT_NOT_READY, options) if missing else _unexpected(error, options)
    except (ProfileError, RunNotFound) as error:
        return _end(error, EXIT_USAGE, options)
    except KeyboardInterrupt as error:
        return _end(error, EXIT_FAILED, options, says="interrupted; what was recorded or written until then is kept.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of a pipe went away: no fault
        return EXIT_DONE
    except LicsError as error:
        return _end(error, EXIT_FAILED, options)
    except OSError as error:
        if error.errno not in DISK_TROUBLE and not (error.filename and error.errno in PATH_TROUBLE):
            return _unexpected(error, options)
        where = _what_to_do(error)
        what = error.filename or "a file that was open"
        return _end(error, EXIT_FAILED, options, says=f"{what}: {os.strerror(error.errno)}. {where}")
    except Exception as error:
        return _unexpected(error, options)


def _set_up_words(*, verbose: bool) -> DamageHeard:
    """Let words be readable on any terminal, and libraries quiet; returns what hears that a journal is damaged."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a title is told in any terminal, whatever it can print
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s: %(message)s", force=True
    )
    for library in ("caproto", "ophyd", "matplotlib", "asyncio", "epicscorelibs"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("silx.opencl").setLevel(logging.ERROR)  # that there is no OpenCL is no news: nothing here uses it
    logging.getLogger("bluesky").setLevel(logging.CRITICAL)  # it logs tracebacks of what the verbs tell in words
    damage = DamageHeard()
    for handler in logging.getLogger().handlers:
        handler.addFilter(damage)
        handler.setFormatter(_Readable("%(levelname)s: %(message)s"))
    return damage


def _what_to_do(error: OSError) -> str:
    """Return what to do about a file or disk that does not let us."""
    if error.errno in (errno.EACCES, errno.EPERM) and error.filename:
        path = Path(os.fsdecode(error.filename)).absolute()
        with contextlib.suppress(OSError, KeyError, ValueError):  # KeyError: a number that is nobody's here
            nearest = next(each for each in (path, *path.parents) if os.path.lexists(each))
            if nearest.stat().st_uid != os.geteuid():
                whose = nearest.owner()
                return f"It is {whose}'s, who may share the folder with a group; else give another one (--to, --data)."
    return "Give another folder (--to, --data), or mend that disk, make room there and the right to write."


def _unexpected(error: Exception, options: argparse.Namespace) -> int:
    if options.verbose:
        raise error
    says = f"unexpected {type(error).__name__}: {error} (--verbose shows where)"
    return _end(error, EXIT_FAILED, options, says=says)


def _end(error: BaseException, code: int, options: argparse.Namespace, *, says: str = "") -> int:
    """Say why a verb has ended early: to people, and by ``--json`` to a program too, in place of what it asked for."""
    if options.verbose:
        logging.getLogger(__name__).debug("", exc_info=error)
    as_json = getattr(options, "json", False)
    return tell_fault(says or str(error), code, kind=type(error).__name__, verb=options.verb, as_json=as_json)


class _Readable(logging.Formatter):
    """Messages as people read them, whatever documents and files put into them."""

    def format(self, record: logging.LogRecord) -> str:
        return readable(super().format(record))


def _folder(text: str) -> Path:
    """Return a folder that is there or may be made; for `argparse`, which says what is wrong with another."""
    try:
        path = Path(text).expanduser()
        if not stat.S_ISDIR(path.stat().st_mode):
            raise argparse.ArgumentTypeError(f"{text} is no folder")
    except FileNotFoundError:
        pass  # it is made when something is written
    except (OSError, ValueError, RuntimeError) as error:  # too long a name; a NUL in it; nobody's home
        raise argparse.ArgumentTypeError(f"{text[:100]!r} can be no folder: {error!s:.100}") from None
    return path


class BadCommandLine(Exception):
    """A command line that is none of this program; `main` tells of it, as it tells of other faults."""

    def __init__(self, says: str, *, prog: str, usage: str) -> None:
        super().__init__(says)
        self.prog, self.usage = prog, usage


class CommandLine(argparse.ArgumentParser):
    """What reads a command line; its verbs are read by the same class."""

    def error(self, message: str) -> NoReturn:
        """Refuse it, in place of writing to standard error and ending the process."""
        raise BadCommandLine(message, prog=self.prog, usage=self.format_usage())


def parser() -> argparse.ArgumentParser:
    """Return what reads a command line: every verb with its options."""
    made = CommandLine(
        prog="lics",
        description="Automated high-pressure powder diffraction: dry-run, record, reduce live, replay.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"lics {__version__}")
    verbs = made.add_subparsers(dest="verb", required=True, metavar="VERB")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--data", type=_folder, default=Path("lics-data"), metavar="DIR", help="data folder (default ./lics-data)"
    )
    shared.add_argument("--verbose", action="store_true", help="log everything, and tracebacks of errors")
    for room in ROOMS:
        import_module(f"{__name__}.{room}").add(verbs, shared)
    return made
