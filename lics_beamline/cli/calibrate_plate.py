"""The verb ``calibrate-plate``: fading and ghosts of the image plates, measured on the plates themselves."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import real, seed, speed
from lics_beamline.cli.fault import tell_fault
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.running_text import tell_line

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.frames.plate_calibration import PlateCalibration
    from lics_beamline.profile import Profile

SIMULATED_SPEED: Final = (
    60.0  # of a simulated beamline: a tick of its world is then 1.2 s, and the shutter is timed to that
)
SHOWN_S: Final = (60.0, 600.0, 3600.0)


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "calibrate-plate",
        parents=[shared],
        help="measure how the image plates fade and what erasing leaves on them",
        description="Expose both plates strongly and read them blank, then let images wait before they are read; find "
        "fading and ghosts, and keep them below DIR/calibrations/plates. The sample in the beam must not change "
        "meanwhile: a calibrant serves best. With --run, measure again from a recorded run.",
    )
    verb.add_argument("--profile", default="simulated", help="name or folder of a profile (default simulated)")
    verb.add_argument(
        "--run", metavar="RUN", dest="recorded", help="a recorded plate calibration, instead of a new one"
    )
    verb.add_argument(
        "--strong", type=real(1.0, 1e6, "s"), default=3600.0, metavar="S", help="strong exposure (default 3600 s)"
    )
    verb.add_argument(
        "--open", type=real(1.0, 1e6, "s"), default=600.0, metavar="S", help="exposure of images that wait (600 s)"
    )
    verb.add_argument(
        "--waits",
        type=real(0.0, 1e6, "s"),
        nargs="+",
        default=[0.0, 0.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 3600.0],
        metavar="S",
        help="how long images wait; plates take turns (default 0 0 300 600 1200 1800 3600 3600 s)",
    )
    verb.add_argument(
        "--speed", type=speed, default=SIMULATED_SPEED, help=f"of a simulated beamline (default {SIMULATED_SPEED:g})"
    )
    verb.add_argument("--seed", type=seed, help="seed of the simulated world (default: the profile's)")
    verb.add_argument("--world", help="preset of the simulated world, or a .toml file")
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=calibrate_plate)


def calibrate_plate(options: argparse.Namespace) -> int:
    """Measure the plates, keep what was found, and say how to use it."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.profile import read_profile
    from lics_beamline.reduction.plate_run import calibration_of
    from lics_beamline.replay import documents_of

    data = data_folder(options)
    run = options.recorded
    if not run:
        ended_by, run = _take(options, read_profile(options.profile), data)
        if ended_by:
            return tell_fault(ended_by, 4, kind="not whole", verb=options.verb, as_json=options.json)
    calibration = calibration_of(documents_of(data, run), data_root=data.root)
    path = calibration.write(data.calibrations / "plates")
    _tell(calibration, path, as_json=options.json)
    return 0


def _take(options: argparse.Namespace, profile: Profile, data: DataFolder) -> tuple[str, str]:
    """Run the plan; returns why it ended early, empty where it did not, and the uid of its run."""
    import contextlib

    from lics_beamline.devices.control_layer import choose
    from lics_beamline.journal.head import find
    from lics_beamline.session.session import open_session, run_plan
    from lics_beamline.session.simulation import simulated_beamline

    with contextlib.ExitStack() as stack:
        simulated = None
        if profile.values.simulators:
            simulated = stack.enter_context(
                simulated_beamline(profile, data, speed=options.speed, seed=options.seed, world=options.world)
            )
        choose(simulated.addresses if simulated else None)
        from lics_beamline.plans.plate_calibration import Series, calibrate_plates  # imports ophyd

        series = Series(strong_s=options.strong, open_s=options.open, waits_s=tuple(options.waits))
        if not options.json:
            tell_line(f"about {series.duration_s / 3600.0:.1f} h of experiment; the sample must not change")
        session = stack.enter_context(open_session(profile, data, simulated=simulated, followers=()))
        plan = calibrate_plates(session.beamline, series, profile=session.profile, recipe=session.recipe)
        ended_by = run_plan(session.engine, plan, data)
    return ended_by, "" if ended_by else find(data.raw_journals, "last").uid


def _tell(calibration: PlateCalibration, path: Path, *, as_json: bool) -> None:
    fading = calibration.fading
    if as_json:
        content = {**calibration.model_dump(mode="json"), "digest": calibration.digest, "file": str(path)}
        tell_json(content)
        return
    lines = [
        f"fading: {100.0 * fading.fast_share:.2f} % with a life of {fading.fast_s:.0f} s, "
        f"the rest of {fading.slow_s:.2g} s",
        *(
            f"  left after {wait_s:5.0f} s: {100.0 * float(fading.remaining(wait_s)):.2f} "
            f"+- {100.0 * float(fading.remaining(wait_s)) * fading.relative_sigma(wait_s):.2f} %"
            for wait_s in SHOWN_S
        ),
        *(
            f"ghost on plate {ghost.plate}: {ghost.share:.4e} +- {ghost.sigma:.1e} of the image before"
            for ghost in calibration.ghosts
        ),
        f"calibration {calibration.digest[:12]}: {path}",
        f'to use it, in a recipe:\n[plate]\ncalibration = "{path}"',
    ]
    sys.stdout.write("\n".join(lines) + "\n")
