"""The images of a run as TIFF, for programs that do not read plates, with the geometry that integrates them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lics_beamline import schema
from lics_beamline.errors import ReductionFailed
from lics_beamline.exports.provenance import point_name, run_geometry
from lics_beamline.exports.raw_point import RawPoint
from lics_beamline.exports.reduced_run import ReducedRun
from lics_beamline.frames.frame import FrameSeries
from lics_beamline.journal.safe_name import inside


def write_frames(run: ReducedRun, raw: Mapping[str, RawPoint], folder: Path, *, data_root: Path) -> tuple[Path, ...]:
    """Write each plate as a 32-bit TIFF, rows in the order of the plate's file, and one ``geometry.poni`` for them all.

    Parameters
    ----------
    run : ReducedRun
        Its points say which plates.
    raw : mapping of str to RawPoint
        Where they are.
    folder : Path
        Folder to write to; made if absent.
    data_root : Path
        The data folder: plates are named relative to it.

    Returns
    -------
    tuple of Path
        The images in the order of the points, then the geometry. Points without a plate are left out.

    Raises
    ------
    ReductionFailed
        If a plate cannot be read.
    UnsafeName
        If one lies outside the data folder.
    """
    from fabio.tifimage import TifImage

    if schema.PATTERNS in run.start.get(schema.IMPORTED, {}):
        raise ReductionFailed(
            "this run was imported as patterns that another program integrated, and has no images. Export another "
            "layout."
        )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for point in run.points:
        taken = raw.get(point.exposure_uid)
        if taken is None or not taken.frame_path or not point.reduced:
            continue
        plate = inside(data_root, taken.frame_path, what="plate")
        if not plate.exists():
            raise ReductionFailed(
                f"the plate {taken.frame_path} of point {point.index} is not in {data_root}. Restore it, or export "
                "another layout.",
                path=str(plate),
            )
        path = folder / f"{point_name(point)}.tif"
        series = FrameSeries(Path(f"{plate}::{taken.frame_dataset}") if taken.frame_dataset else plate)
        counts = (series.frame(taken.frame_number) if taken.frame_number else series.total()).counts
        TifImage(data=counts.astype(np.uint32) if counts.dtype.kind == "i" else counts).write(str(path))
        written.append(path)
    geometry = run_geometry(run)
    if geometry is not None:
        path = folder / "geometry.poni"
        geometry.write(path)
        written.append(path)
    return tuple(written)
