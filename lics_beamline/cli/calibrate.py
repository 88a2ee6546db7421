"""The verb ``calibrate``: where the detector stands, from a frame of CeO2 or LaB6."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import add_orientation, pathname, pixel_edge, real, seed, speed
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.pattern_options import wavelength

if TYPE_CHECKING:
    from bluesky.utils import MsgGenerator

    from lics_beamline.calibration.calibration import Calibration
    from lics_beamline.calibration.calibration_record import CalibrationRecord
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.geometry.geometry import Geometry

MOST_SIDES_AWAY: Final = 10  # of the image: farther from it rings are as good as straight


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "calibrate",
        parents=[shared],
        help="find distance, centre and tilt of the detector from a frame of CeO2 or LaB6",
        description="Find the geometry from a frame of a calibrant, without any clicks, and keep it below "
        "DIR/calibrations with its uncertainties. SOURCE is an image (R-AXIS, TIFF, CBF, HDF5 ...) or a recorded run: "
        "'last', a uid, or its first six characters; of a run the newest plate is taken. It starts from the detector, "
        "wavelength and rough distance of the run's geometry, of --geometry, or of the plate's header.",
    )
    verb.add_argument("source", metavar="SOURCE", nargs="?", default="last", help="RUN or IMAGE (default last)")
    verb.add_argument(
        "--calibrant",
        default="CeO2",
        metavar="NAME",
        help="CeO2, LaB6 (both certified), any other that pyFAI ships, or a .D file of spacings (default CeO2)",
    )
    verb.add_argument("--geometry", type=pathname, metavar="G.poni", help="PONI file to start from")
    verb.add_argument("--detector", metavar="NAME", help="instead of a PONI file: the detector, as pyFAI names it")
    verb.add_argument("--pixel", type=pixel_edge, metavar="MM", help="instead of a PONI file: edge of a pixel")
    verb.add_argument(
        "--spline",
        type=pathname,
        metavar="FILE",
        help="instead of a PONI file: spline of Fit2D, of a CCD that distorts",
    )
    verb.add_argument(
        "--distance", type=real(1.0, 1e5, "mm"), metavar="MM", help="about how far it is, instead of the start's"
    )
    verb.add_argument(
        "--beam",
        type=real(-1e6, 1e6, "pixels"),
        nargs=2,
        metavar=("X", "Y"),
        help="about where the beam hits, instead of the start's: pixels along a row, and from the file's first row",
    )
    verb.add_argument(
        "--mask",
        type=pathname,
        action="append",
        default=[],
        metavar="FILE",
        help="pixels to leave out, of any kind that lics reduce takes; several are taken together",
    )
    add_orientation(verb, instead_of="the starting geometry")
    verb.add_argument(
        "--wavelength", type=wavelength, metavar="ANGSTROM", help="wavelength, instead of the starting geometry's"
    )
    verb.add_argument("--free-wavelength", action="store_true", help="refine the wavelength too")
    verb.add_argument(
        "--beam-anywhere",
        action="store_true",
        help="do not doubt the orientation where the beam is far from its place in the starting geometry",
    )
    verb.add_argument(
        "--expose",
        action="store_true",
        help="expose the calibrant first, at the beamline of the profile, and calibrate from that run",
    )
    verb.add_argument(
        "--exposure", type=real(0.01, 1e6, "s"), default=120.0, metavar="S", help="exposure time [s] (default 120)"
    )
    verb.add_argument(
        "--oscillation", type=real(0.0, 360.0, "deg"), default=0.0, metavar="DEG", help="oscillation (default 0)"
    )
    verb.add_argument("--profile", default="simulated", help="with --expose: profile (default simulated)")
    verb.add_argument("--speed", type=speed, help="with --expose, simulated: experiment seconds a second")
    verb.add_argument("--seed", type=seed, help="with --expose, simulated: seed of the world")
    verb.add_argument("--world", help="with --expose, simulated: preset of the world (default the calibrant's)")
    verb.add_argument("--to", type=pathname, metavar="FILE", help="write the PONI file there as well")
    verb.add_argument("--figure", type=pathname, metavar="FILE", help="the PNG (default beside the record)")
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=calibrate)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plate:
    """A frame to be calibrated with, and what it came with."""

    path: Path
    run: str = ""
    geometry: Geometry | None = None


def calibrate(options: argparse.Namespace) -> int:
    """Calibrate from a run or an image, or from a calibrant exposed now."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.errors import RunNotFound

    data = data_folder(options)
    if options.expose:
        options.source, ended_by = _expose(options, data)
        if ended_by:
            raise RunNotFound(f"the calibrant was not exposed: {ended_by}")
    return run(options, data)


def _expose(options: argparse.Namespace, data: DataFolder) -> tuple[str, str]:
    """Expose the calibrant; returns the uid of its run, and why it ended early."""
    import contextlib

    from lics_beamline.calibration.calibrant import find_calibrant
    from lics_beamline.profile import read_profile
    from lics_beamline.session.session import open_session, run_plan
    from lics_beamline.session.simulation import simulated_beamline

    calibrant = find_calibrant(options.calibrant)
    profile = read_profile(options.profile)
    whole: list[str] = []

    with contextlib.ExitStack() as stack:
        simulated = None
        if profile.values.simulators:
            world = options.world or calibrant.name.lower()
            simulated = stack.enter_context(
                simulated_beamline(profile, data, speed=options.speed, seed=options.seed, world=world)
            )
        session = stack.enter_context(open_session(profile, data, simulated=simulated, followers=()))
        from lics_beamline.plans.calibrate import calibrate as plan  # imports ophyd: after a session has chosen

        def exposing() -> MsgGenerator[None]:
            uid = yield from plan(
                session.beamline,
                calibrant,
                profile=session.profile,
                recipe=session.recipe,
                exposure_s=options.exposure,
                oscillation_deg=options.oscillation,
            )
            whole.append(uid)

        ended_by = run_plan(session.engine, exposing(), data)
    return (whole[0] if whole else ""), ended_by


def run(options: argparse.Namespace, data: DataFolder) -> int:
    """Find the geometry, keep it, draw it, say it."""
    from datetime import UTC, datetime

    from lics_beamline.calibration.calibrant import find_calibrant
    from lics_beamline.calibration.calibration import calibrate as find
    from lics_beamline.calibration.calibration_record import record_of, write_record
    from lics_beamline.exports.calibration_figure import draw_calibration
    from lics_beamline.frames.frame import FrameSeries
    from lics_beamline.frames.mask_file import read_masks

    calibrant = find_calibrant(options.calibrant)
    plate = _plate(options.source, data)
    series = FrameSeries(plate.path)
    if series.count > 1:
        sys.stderr.write(f"note: frame 1 of the {series.count} in {plate.path.name} is calibrated with\n")
    recording = series.frame(1)
    for note in (*series.notes, *recording.doubts):
        sys.stderr.write(f"note: {plate.path.name}: {note}\n")
    start = _start(options, plate, shape=(int(recording.counts.shape[0]), int(recording.counts.shape[1])))
    calibration = find(
        recording.counts,
        calibrant,
        start,
        saturation_counts=recording.saturation_counts,
        mask=read_masks(options.mask),
        free_wavelength=options.free_wavelength,
        beam_is_known=not options.beam_anywhere,
        said_pixel_mm=recording.pixel_mm,
    )
    record = record_of(calibration, _source(plate, data), made=datetime.now(tz=UTC))
    path = write_record(record, data.calibrations)
    title = f"{plate.path.name}" + (f" of run {plate.run[:8]}" if plate.run else "")
    figure = draw_calibration(calibration, options.figure or path.with_suffix(".png"), title=title)
    if options.to:
        calibration.geometry.write(options.to)
    if options.json:
        files = {"record": str(path), "poni": str(options.to or path.with_suffix(".poni")), "figure": str(figure)}
        content = {"digest": record.digest, **record.model_dump(mode="json"), "files": files}
        tell_json(content)
        return 0
    sys.stdout.write("\n".join(_lines(calibration, record)) + "\n")
    sys.stdout.write(f"figure    {figure}\nkept as   {path}\nPONI      {options.to or path.with_suffix('.poni')}\n")
    return 0


def _plate(source: str, data: DataFolder) -> _Plate:
    """Find the image: a file by its path, or the newest plate of a run."""
    from lics_beamline.files.given_file import is_there

    if is_there(Path(source.partition("::")[0])):
        return _Plate(path=Path(source))
    from lics_beamline import schema
    from lics_beamline.errors import RunNotFound
    from lics_beamline.journal.events import events
    from lics_beamline.journal.safe_name import inside
    from lics_beamline.reduction.recipe import recipe_of
    from lics_beamline.replay import documents_of

    try:
        documents = list(documents_of(data, source))
    except RunNotFound as error:
        raise RunNotFound(f"{source!r} is no image file, and {error}", name=source) from None
    start = documents[0][1]
    frames = [event.data[schema.FRAME_PATH] for event in events(documents) if schema.FRAME_PATH in event.data]
    if not frames:
        raise RunNotFound(f"run {start['uid'][:8]} has no plate that was read. Expose the calibrant again.")
    path = inside(data.root, frames[-1], what="plate")
    return _Plate(path=path, run=start["uid"], geometry=recipe_of(start["recipe"]).geometry)


def _start(options: argparse.Namespace, plate: _Plate, *, shape: tuple[int, int]) -> Geometry:
    """Return where to start: what was given, what the run was made with, or what the plate's header says."""
    from lics_beamline.errors import ProfileError
    from lics_beamline.frames.raxis import is_plate, read_header
    from lics_beamline.geometry.detector_plane import DetectorPlane
    from lics_beamline.geometry.geometry import flat_geometry, read_geometry

    if options.geometry and (options.detector or options.pixel or options.spline):
        raise ProfileError("--geometry has the detector and its pixels: leave --detector, --pixel and --spline out.")
    if options.geometry:
        start = read_geometry(options.geometry)
    elif options.detector or options.pixel or options.spline:
        start = _described(options, shape)
    elif plate.geometry is not None:
        start = plate.geometry
    elif is_plate(plate.path):
        header = read_header(plate.path)
        start = flat_geometry(
            distance_mm=header.distance_mm,
            wavelength_angstrom=header.wavelength_angstrom,
            shape=(header.rows, header.columns),
            pixel_mm=header.pixel_mm,
        )
    else:
        raise ProfileError(
            f"{plate.path.name} does not say which detector it is of. Give --geometry with a PONI file that has its "
            "pixels, the wavelength and the distance within a factor of two; or --detector, --pixel or --spline, with "
            "--distance and --wavelength."
        )
    if options.distance is not None:
        meant = start.plane
        start = start.moved(
            DetectorPlane.through(
                beam1_mm=meant.beam1_mm,
                beam2_mm=meant.beam2_mm,
                beam_distance_mm=options.distance,
                rot1_rad=meant.rot1_rad,
                rot2_rad=meant.rot2_rad,
            )
        )
    if options.orientation:
        start = start.oriented(options.orientation)
    if options.beam:
        start = _with_beam(start, options.beam, shape)
    if options.wavelength is not None:
        start = start.moved(start.plane, wavelength_angstrom=options.wavelength)
    return start


def _with_beam(start: Geometry, beam_px: list[float], shape: tuple[int, int]) -> Geometry:
    """Return a start whose beam hits a pixel of the file, whichever way up that is stored."""
    from lics_beamline.calibration.flat_detector import FlatDetector
    from lics_beamline.errors import ProfileError
    from lics_beamline.frames.orientation import FLIPS
    from lics_beamline.geometry.detector_plane import DetectorPlane

    far = MOST_SIDES_AWAY * max(shape)
    if not all(abs(number) <= far for number in beam_px):  # NaN is not
        raise ProfileError(
            f"--beam {beam_px[0]:g} {beam_px[1]:g}: the image has {shape[1]} x {shape[0]} pixels, and a beam farther "
            f"away than {far} makes no rings on it."
        )
    sides = (beam_px[1], beam_px[0])
    own = [side - at if flip else at for at, side, flip in zip(sides, shape, FLIPS[start.orientation], strict=True)]
    config, plane = start.detector_config, start.plane
    if start.spline:
        pixel_mm = (1e3 * config["pixel1"], 1e3 * config["pixel2"])
    else:
        pixel_mm = FlatDetector.of(start, shape=shape).pixel_mm
    return start.moved(
        DetectorPlane.through(
            beam1_mm=own[0] * pixel_mm[0],
            beam2_mm=own[1] * pixel_mm[1],
            beam_distance_mm=plane.beam_distance_mm,
            rot1_rad=plane.rot1_rad,
            rot2_rad=plane.rot2_rad,
        )
    )


def _described(options: argparse.Namespace, shape: tuple[int, int]) -> Geometry:
    """Return an untilted detector whose middle the beam hits, of the pixels and at the distance that were given."""
    from lics_beamline.calibration.flat_detector import FlatDetector
    from lics_beamline.errors import ProfileError
    from lics_beamline.files.given_file import GEOMETRY_BYTES, read_text
    from lics_beamline.geometry.geometry import Geometry, flat_geometry, geometry_of
    from lics_beamline.geometry.poni import SPLINE_KEY

    if options.detector and options.pixel:
        raise ProfileError("--detector has its pixels: leave --pixel out.")
    if options.spline and (options.detector or options.pixel):
        raise ProfileError("--spline has the detector and its pixels: leave --detector and --pixel out.")
    if missing := [f"--{name}" for name in ("distance", "wavelength") if getattr(options, name) is None]:
        raise ProfileError(f"{' and '.join(missing)} must be given where no PONI file says where to start.")
    if options.pixel:
        return flat_geometry(
            distance_mm=options.distance,
            wavelength_angstrom=options.wavelength,
            shape=shape,
            pixel_mm=options.pixel,
        )
    lines = {
        "Detector": options.detector or "Detector",
        "Distance": options.distance / 1e3,
        "Wavelength": options.wavelength / 1e10,
    }
    text = "\n".join(f"{key}: {value}" for key, value in lines.items())
    if options.spline:
        spline = read_text(options.spline, most_bytes=GEOMETRY_BYTES, what="a spline of Fit2D")
        text += f"\nDetector_config: {json.dumps({SPLINE_KEY: spline})}"
        config = geometry_of(f"{text}\nPoni1: 0\nPoni2: 0", source=str(options.spline)).detector_config
        half1, half2 = (0.5 * side * config[f"pixel{axis}"] for axis, side in enumerate(config["max_shape"], start=1))
        return Geometry(poni=f"{text}\nPoni1: {half1}\nPoni2: {half2}")
    corner = geometry_of(f"{text}\nPoni1: 0\nPoni2: 0", source="--detector")
    detector = FlatDetector.of(corner)
    rows, columns = detector.shape or shape
    middle = (0.5 * rows * detector.pixel_mm[0] / 1e3, 0.5 * columns * detector.pixel_mm[1] / 1e3)
    return Geometry(poni=f"{text}\nPoni1: {middle[0]}\nPoni2: {middle[1]}")


def _source(plate: _Plate, data: DataFolder) -> Any:
    import hashlib

    from lics_beamline.calibration.calibration_record import Source

    file = Path(str(plate.path).partition("::")[0])
    try:
        image = data.relative(file) + str(plate.path)[len(str(file)) :]
    except ValueError:
        image = str(plate.path)
    return Source(image=image, sha256=hashlib.sha256(file.read_bytes()).hexdigest(), run=plate.run)


def _lines(calibration: Calibration, record: CalibrationRecord) -> list[str]:
    """Return what was found, for people."""
    from lics_beamline.calibration.flat_detector import FlatDetector

    plane, sigma = calibration.geometry.plane, calibration.sigma
    geometry = calibration.geometry
    in_px = ""
    if not geometry.spline:
        in_px = " ({:.3f}, {:.3f} px)".format(*FlatDetector.of(geometry).beam_px)
    wavelength = "refined" if calibration.free_wavelength else "fixed"
    lines = [
        f"{record.calibrant} ({record.calibrant_source}), orientation {calibration.geometry.orientation}",
        f"distance  {plane.beam_distance_mm:.4f} +- {sigma['beam_distance_mm']:.4f} mm along the beam "
        f"({plane.distance_mm:.4f} mm along the detector's normal)",
        f"beam at   {plane.beam1_mm:.4f} +- {sigma['beam1_mm']:.4f} mm along the rows' axis, "
        f"{plane.beam2_mm:.4f} +- {sigma['beam2_mm']:.4f} mm along the columns'{in_px}",
        f"tilt      {plane.tilt_deg:.4f} +- {sigma['tilt_deg']:.4f} deg",
        f"wave      {calibration.geometry.wavelength_angstrom:.6f} angstrom, {wavelength}"
        + (f" +- {sigma['wavelength_angstrom']:.6f}" if calibration.free_wavelength else ""),
        f"residual  {calibration.rms_px:.3f} px, {calibration.rms_deg:.5f} deg rms; {record.points} points on "
        f"{len(calibration.rings)} rings; lines displaced by {calibration.displacement:+.4f} +- "
        f"{calibration.displacement_sigma:.4f} of their width",
        "   hkl   d certified   d found       difference  points  residual (px)",
    ]
    for ring in calibration.rings:
        difference = ring.found_d_angstrom - ring.d_angstrom
        lines.append(
            f"  {ring.name:>4}   {ring.d_angstrom:.6f}      {ring.found_d_angstrom:.6f}    {difference:+.6f}  "
            f"{ring.points:>6}  {ring.mean_px:+.3f} mean, {ring.rms_px:.3f} rms"
        )
    lines += [f"note      {note}" for note in calibration.notes]
    lines.append(f"digest    {record.digest[:12]} of the calibration, {record.geometry_digest[:12]} of its geometry")
    return lines
