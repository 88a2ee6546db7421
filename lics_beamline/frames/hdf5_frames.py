"""Frames in an HDF5 file: found through links into other files, numbered over several data sets, with the file's mask.

A master file of an Eiger holds no images but links to its data files, beside which lie the mask and the flat field of
the detector. A link that leads nowhere, a data set of which a source is missing, and a frame that was never written are
refused: HDF5 itself fills each of the last two with zeros.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ReductionFailed
from lics_beamline.files.given_file import READER_FAULTS
from lics_beamline.files.stored_scale import StoredScale
from lics_beamline.frames.image_file import RawFrame, check_pixels, unreadable
from lics_beamline.frames.pixel_size import believable
from lics_beamline.frames.stack_axes import COLOURS_A_PIXEL, IMAGE_SIDE_PX, frames_lie_last, refused_stack

PATTERN_ASPECT: Final = 12  # longer against wide than this are rows of patterns; a strip of modules has 8
MOST_NESTED: Final = 20  # groups within each other, links followed
MOST_OBJECTS: Final = 100_000  # looked at in one file
NUMBERED: Final = re.compile(r"(.*?)_?(\d+)$")  # data_000001: parts of one stack
CALIBRATIONS: Final = ("pixel_mask", "flatfield")  # images of the detector and not of a sample (NXdetector, Dectris)
PRIVATE_GROUP: Final = "detectorSpecific"  # where Dectris keeps more of them
APPLIED: Final = ("flatfield_correction_applied", "flatfield_applied")  # by the detector itself (Dectris, NXdetector)
CUTOFFS: Final = ("saturation_value", "countrate_correction_count_cutoff")  # NXdetector, Dectris
EXPOSURES: Final = ("count_time", "exposure_time")  # [s]; NXdetector, Dectris
RADIAL_AXES: Final = ("q", "2th", "tth", "twotheta", "two_theta", "2theta", "radial", "d", "r")  # of patterns


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stack:
    """Data sets that hold one series of images, along the last of their axes or the first ones."""

    addresses: tuple[str, ...]
    counts: tuple[int, ...]
    shape: tuple[int, int]
    frames_last: bool = False


class Hdf5Frames:
    """Frames of one HDF5 file, in the order they were taken.

    Parameters
    ----------
    path : Path
        The file.
    inside : str
        Data set or group that is meant; empty for the only stack of images, or the one that the file itself names.

    Raises
    ------
    ReductionFailed
        If it holds no stack, several, or one of which a part is missing.
    """

    def __init__(self, path: Path, inside: str = "") -> None:
        import h5py
        import hdf5plugin  # noqa: F401 - registers the filters of Dectris' files

        self._path = path
        try:
            with h5py.File(path) as file:
                contents = _Contents(file)
                self._stack = _chosen(file, contents, inside, path)
                self._check_sources(file)
                self._mask, self._flat, self.notes = self._of_detector(file, contents)
                self._scales = tuple(StoredScale.of(file[address]) for address in self._stack.addresses)
                self._saturation = _first_number(file, contents, CUTOFFS)
                self._exposure_s = _first_number(file, contents, EXPOSURES)
                height_m, width_m = (_first_number(file, contents, (f"{axis}_pixel_size",)) for axis in "yx")
                self._pixel_mm = believable(1e3 * height_m, 1e3 * width_m)
        except ReductionFailed:
            raise
        except READER_FAULTS as error:
            raise unreadable(path, error) from error
        if not self._scales[0].is_plain:
            self.notes += (f"counts are the numbers of the file {self._scales[0].words}, as it says",)
        self.count = sum(self._stack.counts)

    def read(self, number: int) -> RawFrame:
        """Return a frame, masked by the file's own mask.

        Parameters
        ----------
        number : int
            1 to `count`.

        Raises
        ------
        ReductionFailed
            If it cannot be read, or was never written.
        """
        import h5py

        before = np.cumsum((0, *self._stack.counts))
        index = int(np.searchsorted(before, number - 1, side="right")) - 1
        part, left = self._stack.addresses[index], number - 1 - int(before[index])
        try:
            with h5py.File(self._path) as file:
                data = file[part]
                of_image = (slice(None), slice(None))
                if self._stack.frames_last:
                    place: tuple[Any, ...] = (*of_image, left)
                else:
                    place = (*(int(index) for index in np.unravel_index(left, data.shape[:-2])), *of_image)
                if not _is_written(data, place):
                    raise ReductionFailed(
                        f"frame {number} of {self._path.name}::{part} was never written: the file holds room for it "
                        "only. Wait until the series is done, or choose another frame.",
                        path=str(self._path),
                    )
                pixels = data[place]
        except ReductionFailed:
            raise
        except READER_FAULTS as error:
            raise unreadable(self._path, error) from error
        masked, pixels, scale = self._mask, np.asarray(pixels), self._scales[index]
        if not scale.is_plain:
            pixels = np.where(_is_count(pixels), scale.values(pixels), np.nan).astype(np.float32)
        if self._flat is not None:
            good = np.isfinite(self._flat) & (self._flat > 0.0)
            masked = ~good if masked is None else masked | ~good
            pixels = np.where(_is_count(pixels), pixels * self._flat, np.nan).astype(np.float32)
        return RawFrame(
            pixels=pixels,
            masked=masked,
            saturation_counts=round(self._saturation) if self._saturation >= 1.0 else None,
            exposure_s=self._exposure_s,
            pixel_mm=self._pixel_mm,
        )

    def _check_sources(self, file: Any) -> None:
        """Refuse a virtual data set of which a source is not there: it would read as zeros."""
        for address in self._stack.addresses:
            data = file[address]
            folder = Path(data.file.filename).parent
            sources = {source.file_name for source in data.virtual_sources()} if data.is_virtual else set()
            sources |= {name for name, _, _ in data.external or ()}
            for name in sorted(sources - {"."}):
                if "%" not in name and not (folder / name).is_file():
                    raise _missing(self._path, address, name)

    def _of_detector(
        self, file: Any, contents: _Contents
    ) -> tuple[npt.NDArray[np.bool_] | None, npt.NDArray[np.float32] | None, tuple[str, ...]]:
        """Return the mask and the flat field that belong to the stack, where they do anything, and what to say."""
        entry = self._stack.addresses[0].split("/")[1]
        notes: list[str] = []
        if self._stack.frames_last:
            sides = " x ".join(map(str, self._stack.shape))
            notes.append(f"{self._stack.addresses[0]} is read as frames of {sides} pixels along its last axis")

        def images(kind: str) -> list[str]:
            for link, target in contents.broken.items():
                if link.rpartition("/")[2] == kind and link.split("/")[1] == entry:
                    raise _missing(self._path, link, target)
            found = [name for name in contents.calibrations if name.rpartition("/")[2] == kind]
            others = [name for name in found if file[name].shape[-2:] != self._stack.shape]
            if others and len(others) == len(found):
                has, wanted = (" x ".join(map(str, shape)) for shape in (file[others[0]].shape, self._stack.shape))
                notes.append(f"{kind} of the file not used: it has {has} pixels, and its images {wanted}")
            fitting = [name for name in found if file[name].shape[-2:] == self._stack.shape]
            if several := [name for name in fitting if math.prod(file[name].shape[:-2]) != 1]:
                notes.append(f"{kind} of the file not used: {several[0]} holds {file[several[0]].shape[0]} of them")
            fitting = [name for name in fitting if name not in several]
            return [name for name in fitting if name.split("/")[1] == entry] or fitting

        mask: npt.NDArray[np.bool_] | None = None
        for address in images("pixel_mask"):
            given = np.asarray(file[address][()]).reshape(self._stack.shape) != 0
            mask = given if mask is None else mask | given
        if mask is not None and mask.any():
            notes.append(f"pixel_mask of the file used: {np.count_nonzero(mask)} pixels masked ({mask.mean():.2%})")
        else:
            mask = None
        beside = [name for name in contents.masks if file[name].shape[-2:] == self._stack.shape] * bool(contents.images)
        notes += [
            f"true and false beside the images are not used: --mask {self._path.name}::{name} takes them"
            for name in beside
            if name not in self._stack.addresses
        ]
        flat: npt.NDArray[np.float32] | None = None
        addresses = images("flatfield")
        if addresses and not _is_applied(file, contents, entry):
            flat = np.asarray(file[addresses[0]][()], dtype=np.float32).reshape(self._stack.shape)
            if np.all(flat == 1.0):
                flat = None
            else:
                notes.append("flat field of the file used: counts multiplied by it, as the file says it was not")
        return mask, flat, tuple(notes)


def linked_files(path: Path) -> tuple[Path, ...]:
    """Return the other files that hold images of an HDF5 file, by name; a link that leads nowhere is left out.

    Raises
    ------
    ReductionFailed
        If it cannot be read.
    """
    import h5py

    found: set[Path] = set()
    try:
        with h5py.File(path) as file:
            contents = _Contents(file)
            for address in (*contents.images, *contents.calibrations):
                data = file[address]
                holder = Path(data.file.filename)
                sources = {source.file_name for source in data.virtual_sources()} if data.is_virtual else set()
                sources |= {name for name, _, _ in data.external or ()}
                found |= {holder, *(holder.parent / name for name in sources - {"."})}
    except READER_FAULTS as error:
        raise unreadable(path, error) from error
    own = path.resolve()
    return tuple(sorted(each for each in found if each.resolve() != own and each.is_file()))


class _Contents:
    """Everything in an HDF5 file, each object once, whichever links lead to it."""

    def __init__(self, file: Any, below: str = "") -> None:
        self.images: list[str] = []
        self.flat_stacks: list[str] = []  # of a few frames along the last axis: images where there are no others
        self.masks: list[str] = []  # of true and false: what is meant where there is no image
        self.calibrations: list[str] = []
        self.scalars: list[str] = []
        self.broken: dict[str, str] = {}  # links that lead nowhere, and the file they mean
        self._seen: set[tuple[int, Any]] = set()
        self._look(file[below] if below else file, below.rstrip("/"), MOST_NESTED)

    def _look(self, group: Any, prefix: str, deeper: int) -> None:
        import h5py

        for name in group:
            if not isinstance(name, str) or len(self._seen) > MOST_OBJECTS:  # one that is no UTF-8 comes as bytes
                continue
            address = f"{prefix}/{name}"
            try:
                item = group[name]
            except (KeyError, OSError):
                link = group.get(name, getlink=True)
                self.broken[address] = str(getattr(link, "filename", getattr(link, "path", "")))
                continue
            about = h5py.h5o.get_info(item.id)
            if (about.fileno, about.addr) in self._seen:
                continue
            self._seen.add((about.fileno, about.addr))
            if isinstance(item, h5py.Group):
                if deeper:
                    self._look(item, address, deeper - 1)
            elif isinstance(item, h5py.Dataset):
                self._sort(item, address)

    def _sort(self, data: Any, address: str) -> None:
        if data.shape in ((), (1,)):
            self.scalars.append(address)
        elif data.dtype.kind in "iuf" and data.ndim == 3 and data.shape[-1] <= IMAGE_SIDE_PX < min(data.shape[:2]):
            self.flat_stacks.append(address)
        elif data.dtype.kind in "biuf" and data.ndim >= 2 and min(data.shape[-2:]) > IMAGE_SIDE_PX:
            folder, _, name = address.rpartition("/")
            is_calibration = name in CALIBRATIONS or PRIVATE_GROUP in folder.split("/")
            if is_calibration:
                self.calibrations.append(address)
            elif data.ndim <= 4:
                (self.masks if data.dtype.kind == "b" else self.images).append(address)


def _chosen(file: Any, contents: _Contents, inside: str, path: Path) -> _Stack:
    """Return the stack that is meant; its shape is judged."""
    import h5py

    if inside:
        inside = "/" + inside.strip("/")
        named = file.get(inside)
        if named is None:
            link = _link(file, inside)
            if link is not None:
                raise _missing(path, inside, str(getattr(link, "filename", "")) or str(getattr(link, "path", "")))
            raise ReductionFailed(
                f"{path.name} has no {inside}. It holds {', '.join(contents.images) or 'no images'}.", path=str(path)
            )
        if isinstance(named, h5py.Dataset):
            if named.ndim < 2:
                check_pixels((), path)
            return _stack(file, [inside], path)
        contents = _Contents(file, inside)
    stacks = _stacks(file, contents.images or contents.flat_stacks or contents.masks)
    if len(stacks) > 1:
        preferred = _preferred(file)
        stacks = [stack for stack in stacks if preferred in [file[name] for name in stack]] or stacks
    beside = {name.rpartition("/")[0] for stack in stacks for name in stack}
    for link, target in contents.broken.items():
        folder, _, name = link.rpartition("/")
        if name not in CALIBRATIONS and (not stacks or (folder in beside and NUMBERED.match(name))):
            raise _missing(path, link, target)
    if not stacks:
        raise ReductionFailed(
            f"{path.name} holds no images: numbers in two to four dimensions, rows and columns last, more than "
            f"{IMAGE_SIDE_PX} pixels a side. Name a data set by {path.name}::/path/to/data, or give another file.",
            path=str(path),
        )
    if len(stacks) != 1:
        listed = [_named(stack) for stack in stacks]
        raise ReductionFailed(
            f"{path.name} holds {len(stacks)} stacks of images ({', '.join(listed)}). "
            f"Name the one wanted: {path.name}::/path/to/data.",
            path=str(path),
        )
    return _stack(file, stacks[0], path)


def _stacks(file: Any, addresses: Sequence[str]) -> list[list[str]]:
    """Sort data sets of images into stacks: those that are numbered and alike belong together."""
    together: dict[tuple[Any, ...], list[tuple[int, str]]] = {}
    for address in addresses:
        numbered = NUMBERED.match(address.rpartition("/")[2])
        base = numbered.group(1) if numbered else None
        data = file[address]
        key = (address.rpartition("/")[0], base, data.shape[-2:], data.dtype) if numbered else (address,)
        together.setdefault(key, []).append((int(numbered.group(2)) if numbered else 0, address))
    return [[address for _, address in sorted(parts)] for parts in together.values()]


def _stack(file: Any, addresses: Sequence[str], path: Path) -> _Stack:
    first = file[addresses[0]]
    frames_last = frames_lie_last(first.shape, path, chunks=first.chunks)
    for address in addresses:
        _check_no_patterns(file[address], path, address, frames_last=frames_last)
    if frames_last and first.shape[-1] in COLOURS_A_PIXEL and first.dtype.itemsize == 1:
        raise refused_stack(first.shape, path)
    shape, numbers = (first.shape[:2], slice(2, None)) if frames_last else (first.shape[-2:], slice(-2))
    check_pixels(shape, path)
    counts = tuple(math.prod(file[address].shape[numbers]) for address in addresses)
    if not sum(counts):
        raise ReductionFailed(f"{path.name}::{addresses[0]} holds no frame yet: its length is 0.", path=str(path))
    return _Stack(
        addresses=tuple(addresses), counts=counts, shape=(int(shape[0]), int(shape[1])), frames_last=frames_last
    )


def _check_no_patterns(data: Any, path: Path, address: str, *, frames_last: bool) -> None:
    """Refuse patterns that somebody integrated, one a row: they have the form of an image."""
    rows, columns = data.shape[-2:]
    name_of = data.attrs.get("interpretation", "")
    axes = [name for name in data.parent if isinstance(name, str) and name.lower().split("_")[0] in RADIAL_AXES]
    has_axis = any(getattr(data.parent.get(name), "shape", None) == (columns,) for name in axes)
    is_narrow = not frames_last and max(rows, columns) > PATTERN_ASPECT * min(rows, columns)
    if has_axis or name_of in ("spectrum", b"spectrum") or is_narrow:
        raise ReductionFailed(
            f"{path.name}::{address} holds {rows} rows of {columns}: patterns that were integrated before, and no "
            "image. Give the images they were made from.",
            path=str(path),
            shape=(rows, columns),
        )


def _preferred(file: Any) -> Any:
    """Return the data set that the file names as its plot (NeXus: default and signal); None without one."""
    group = file
    for _ in range(MOST_NESTED):
        name = group.attrs.get("default")
        if name is None:
            break
        group = group.get(_text(name))
        if group is None or not hasattr(group, "keys"):
            return None
    signal = group.attrs.get("signal")
    return None if signal is None else group.get(_text(signal))


def _is_written(data: Any, place: tuple[Any, ...]) -> bool:
    """Tell whether all of a frame is in the file, not only room for it."""
    if data.is_virtual or data.external:
        return True
    if data.chunks is None:
        return data.id.get_offset() is not None or data.id.get_storage_size() > 0
    starts = itertools.product(
        *(
            range(0, size, side) if isinstance(index, slice) else (index - index % side,)
            for index, size, side in zip(place, data.shape, data.chunks, strict=True)
        )
    )
    return all(data.id.get_chunk_info_by_coord(start).byte_offset is not None for start in starts)


def _is_count(pixels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell which pixels hold a count, and no mark of a dead one: negative, or the largest number of its type."""
    if pixels.dtype.kind == "f":
        return np.isfinite(pixels)
    return (pixels >= 0) & (pixels < np.iinfo(pixels.dtype).max)


def _is_applied(file: Any, contents: _Contents, entry: str) -> bool:
    """Tell whether the detector divided by its flat field already."""
    said = [name for name in contents.scalars if name.rpartition("/")[2] in APPLIED and name.split("/")[1] == entry]
    return any(bool(np.ravel(file[name][()])[0]) for name in said)


def _first_number(file: Any, contents: _Contents, names: Sequence[str]) -> float:
    for wanted in names:
        for address in contents.scalars:
            if address.rpartition("/")[2] == wanted and file[address].dtype.kind in "iuf":
                return float(np.ravel(file[address][()])[0])
    return math.nan


def _link(file: Any, address: str) -> Any:
    """Return the link of an address that leads nowhere; None where there is no link either."""
    folder, _, name = address.rpartition("/")
    group = file.get(folder or "/")
    return group.get(name, getlink=True) if group is not None and hasattr(group, "keys") and name in group else None


def _missing(path: Path, address: str, target: str) -> ReductionFailed:
    return ReductionFailed(
        f"{path.name}::{address} lies in {target or 'another file'}, which is not there. Put it beside {path.name}, "
        "under the name it had when it was written.",
        path=str(path),
        missing=target,
    )


def _named(stack: Sequence[str]) -> str:
    return stack[0] if len(stack) == 1 else f"{stack[0]} to {stack[-1].rpartition('/')[2]}"


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
