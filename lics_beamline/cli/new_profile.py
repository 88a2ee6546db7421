"""Verb that asks for the prefixes of a beamline, looks at its instruments and writes its profile: profile new."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import pathname
from lics_beamline.errors import ProfileError

if TYPE_CHECKING:
    from lics_beamline.cli.question import Questions
    from lics_beamline.devices.survey import SurveyedInstrument
    from lics_beamline.profile import Profile

INSTRUMENTS: Final = ("membrane", "heater", "thermocouples", "ruby", "plate", "beam", "stage")  # tables with a prefix
COPIED: Final = ("recipe.toml", "geometry.poni", "startup", "epics")  # of the profile it begins as
LIMITED: Final = {  # asked for where no PV names them: table and key, what it is, the most that may be answered
    "membrane": ("limits_bar", "lowest and highest load of the membrane [bar]", 300.0),
    "heater": ("limits_k", "lowest and highest temperature of the heater [K]", 1000.0),
}
EXIT_DONE, EXIT_USAGE = 0, 2


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "profile",
        parents=[shared],
        help="ask for the prefixes of a beamline, look at its instruments, and write its profile",
        description="Ask for the name of a beamline and the prefixes of its instruments, connect to them without "
        "writing to any, show what they say: values, units, limits, PVs that are missing; ask for limits and for what "
        "a PV that is not there leaves to a person; write a folder with profile.toml. Nothing is written before the "
        "last answer.",
    )
    verb.add_argument("action", choices=["new"], help="what to do")
    verb.add_argument("folder", type=pathname, metavar="FOLDER", help="folder of the profile to write")
    verb.add_argument("--like", default="bl10xu", metavar="PROFILE", help="profile to begin from (default bl10xu)")
    verb.set_defaults(run=new)


def new(options: argparse.Namespace) -> int:
    """Ask, look, write.

    Returns
    -------
    int
        0 when it is written; 2 where it is there already, or the answers end.
    """
    from lics_beamline.cli.question import AnswersEnded
    from lics_beamline.profile import read_profile

    folder: Path = options.folder
    if folder.exists():
        raise ProfileError(f"{folder} is there already. Give another name, or remove it.", folder=str(folder))
    if not folder.parent.is_dir():
        raise ProfileError(f"{folder.parent} is no folder. Make it first.", folder=str(folder.parent))
    like = read_profile(options.like)
    if like.values.simulators is not None:
        raise ProfileError(f"profile {options.like!r} is a simulated beamline. Begin from a real one: --like bl10xu.")
    try:
        keys = _asked(options, like, folder)
    except AnswersEnded:
        sys.stderr.write("lics profile: the answers ended before the last question; nothing is written.\n")
        return EXIT_USAGE
    _write(folder, like, keys)
    sys.stdout.write(
        f"\n{folder}: written, and reads back as a profile\n"
        f"lics check {folder} looks at its instruments again and says what is not guarded\n"
        "docs/how-to/first-day.md tells what else is to be confirmed\n"
    )
    return EXIT_DONE


def _asked(options: argparse.Namespace, like: Profile, folder: Path) -> dict[tuple[str, str], Any]:
    """Return the keys that were answered, by table and key."""
    from lics_beamline.cli.answer import text
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.cli.question import Questions
    from lics_beamline.cli.survey import surveyed, tell

    questions, before = Questions(), like.values
    keys: dict[tuple[str, str], Any] = {
        ("", "name"): questions.ask("name of the profile, in documents", text, default=folder.name),
        ("", "beamline"): questions.ask("name of the beamline, for people", text, default=before.beamline),
        ("", "prefix"): questions.ask("prefix of all its PVs", _prefix, default=before.prefix),
    }
    for name in INSTRUMENTS:
        keys[name, "prefix"] = questions.ask(
            f"prefix of the {name} after it", _prefix, default=str(getattr(before, name).prefix)
        )
    sys.stdout.write("\nlooking, without writing to any PV ...\n")
    instruments = surveyed(_with(like, keys), data_folder(options))
    tell(instruments, values=True)
    sys.stdout.write("\n")
    for each in instruments:
        keys |= _of_instrument(questions, like, each)
    return keys


def _of_instrument(questions: Questions, like: Profile, each: SurveyedInstrument) -> dict[tuple[str, str], Any]:
    """Return what a person answers about one instrument: its limits, and what it can be without."""
    from lics_beamline.cli.answer import between, one_of
    from lics_beamline.devices.optional_pv import OF_HEATER, OF_MEMBRANE

    keys: dict[tuple[str, str], Any] = {}
    absent = []
    for suffix in each.absent:
        optional = (OF_MEMBRANE if each.name == "membrane" else OF_HEATER)[suffix]
        sys.stdout.write(f"{each.prefix}{suffix} does not answer. Without it {optional.unguarded}\n")
        if questions.ask("go without it, and look after that yourself? y or n", one_of("yn")) == "y":
            absent.append(suffix)
    if absent:
        keys[each.name, "absent"] = absent
    if "Source_RBV" in absent:
        keys["membrane", "supply_bar"] = questions.ask("pressure of the supply, as read [bar]", between(0.1, 500.0))
    if each.name in LIMITED and each.found:
        key, what, most = LIMITED[each.name]
        low, high = getattr(getattr(like.values, each.name), key)
        lower = questions.ask(f"{what}: lowest", between(0.0, most), default=f"{low:g}")
        upper = questions.ask(f"{what}: highest", between(lower, most), default=f"{high:g}")
        keys[each.name, key] = [lower, upper]
        envelope = "load_bar" if each.name == "membrane" else "temperature_k"
        inner = getattr(like.values.envelope, envelope)
        keys["envelope", envelope] = [max(inner[0], lower), min(inner[1], upper)]  # what sweeps may ask lies inside
    return keys


def _prefix(answer: str) -> str:
    from lics_beamline.files.strict_toml import MOST_PREFIX_CHARACTERS, PV_CHARACTERS

    if len(answer) > MOST_PREFIX_CHARACTERS or not PV_CHARACTERS.fullmatch(answer):
        raise ValueError(f"no name of a PV begins with {answer!r:.60}")
    return answer


def _with(like: Profile, keys: dict[tuple[str, str], Any]) -> Profile:
    """Return a profile with keys set, not written anywhere."""
    import tomllib
    from dataclasses import replace

    from lics_beamline.cli.profile_text import with_keys
    from lics_beamline.files.strict_toml import validate
    from lics_beamline.profile import ProfileFile

    made = with_keys((like.folder / "profile.toml").read_text(encoding="utf-8"), keys)
    return replace(like, values=validate(tomllib.loads(made), ProfileFile, source="what was answered"))


def _write(folder: Path, like: Profile, keys: dict[tuple[str, str], Any]) -> None:
    """Write the folder of a profile, once it is known to read back."""
    from lics_beamline.cli.profile_text import with_keys
    from lics_beamline.files.whole_file import write_whole
    from lics_beamline.profile import read_profile

    _with(like, keys)
    made = with_keys((like.folder / "profile.toml").read_text(encoding="utf-8"), keys)
    folder.mkdir()
    (folder / "experiments").mkdir()
    for name in COPIED:
        there = like.folder / name
        if there.is_dir():
            shutil.copytree(there, folder / name)
        elif there.exists():
            shutil.copyfile(there, folder / name)
    write_whole(folder / "profile.toml", made)
    read_profile(str(folder))
