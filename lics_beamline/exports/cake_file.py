"""A cake as a file: NeXus (NXazint2d), which pyFAI, silx and h5py read, or EDF, which fabio, Dioptas and ImageJ show.

References
----------
NeXus definitions v2025.11, NXazint2d, https://manual.nexusformat.org.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from lics_beamline.errors import ProfileError
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.integration.cake import Cake

HDF5_ENDINGS: Final = (".nxs", ".h5", ".hdf5")
CAKE_ENDINGS: Final = (*HDF5_ENDINGS, ".edf")


def write_cake(path: Path, cake: Cake, geometry: Geometry, *, title: str) -> Path:
    """Write a cake in the format that the ending of the name says.

    Parameters
    ----------
    path : Path
        The file, which ends in one of `CAKE_ENDINGS`.
    cake : Cake
        The cake.
    geometry : Geometry
        It was made with.
    title : str
        Which image it is of.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ProfileError
        If the name has another ending.
    """
    from lics_beamline.files.whole_file import replacing

    ending = path.suffix.lower()
    if ending not in CAKE_ENDINGS:
        raise ProfileError(
            f"{path}: a cake is written as {', '.join(CAKE_ENDINGS)}, and {ending or 'no ending'} is none of them.",
            file=str(path),
        )
    with replacing(path) as unfinished:
        if ending in HDF5_ENDINGS:
            _write_nexus(unfinished, cake, geometry, title)
        else:
            _write_edf(unfinished, cake, geometry, title)
    return path


def _write_nexus(path: Path, cake: Cake, geometry: Geometry, title: str) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        entry["definition"] = "NXazint2d"
        entry["title"] = title
        entry["solid_angle_applied"] = True
        entry["polarization_applied"] = True
        entry["normalization_applied"] = False
        entry["monitor_applied"] = False
        reduction = entry.create_group("reduction")
        reduction.attrs["NX_class"] = "NXprocess"
        reduction["program"] = "lics_beamline"
        parameters = reduction.create_group("input")
        parameters.attrs["NX_class"] = "NXparameters"
        parameters["poni"] = geometry.poni
        parameters["unit"] = "2th_deg"
        parameters["wavelength"] = cake.wavelength_angstrom
        parameters["wavelength"].attrs["units"] = "angstrom"
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "I", "interpretation": "image"})
        data.attrs["axes"] = ["azimuthal_axis", "radial_axis"]
        for name, centres, says in (
            ("radial_axis", cake.two_theta_deg, "2theta"),
            ("azimuthal_axis", cake.azimuth_deg, "azimuth"),
        ):
            step = float(centres[1] - centres[0]) if centres.size > 1 else 0.0
            for end, values in (("", centres), ("_edges", np.append(centres - step / 2.0, centres[-1] + step / 2.0))):
                data[name + end] = values
                data[name + end].attrs.update({"units": "degree", "long_name": f"{says}{end.replace('_', ' ')} (deg)"})
        data.create_dataset("I", data=cake.intensity.astype(np.float32), compression="gzip", shuffle=True)
        data["I"].attrs.update({"units": "counts", "long_name": "mean corrected counts a pixel"})
        data.create_dataset("norm", data=cake.weight.astype(np.float32), compression="gzip", shuffle=True)
        data["norm"].attrs["long_name"] = "solid angle times polarisation, summed over the pixels of a cell"
        data.create_dataset("counted", data=cake.counted.astype(np.int32), compression="gzip", shuffle=True)
        data["counted"].attrs["long_name"] = "pixels of a cell"


def _write_edf(path: Path, cake: Cake, geometry: Geometry, title: str) -> None:
    """Write the image that pyFAI writes of its own cakes; where there is no pixel it has NaN."""
    import fabio

    header = {
        "title": title,
        "2th_deg_min": repr(float(cake.two_theta_deg[0])),
        "2th_deg_max": repr(float(cake.two_theta_deg[-1])),
        "chi_deg_min": repr(float(cake.azimuth_deg[0])),
        "chi_deg_max": repr(float(cake.azimuth_deg[-1])),
        "wavelength_angstrom": repr(cake.wavelength_angstrom),
        "geometry_sha256": geometry.digest,
    }
    fabio.edfimage.EdfImage(data=cake.intensity.astype(np.float32), header=header).write(str(path))
