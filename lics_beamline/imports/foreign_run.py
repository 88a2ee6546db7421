"""The documents of frames that other programs recorded: those of a sweep, with what was given and nothing else."""

from __future__ import annotations

import importlib.metadata
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from lics_beamline import schema
from lics_beamline.imports.frame_files import FrameFile
from lics_beamline.imports.frame_table import FrameTable
from lics_beamline.imports.placement import Placement
from lics_beamline.reduction.pattern_reading import PatternReading
from lics_beamline.reduction.recipe import Recipe

NAMESPACE: Final = uuid.UUID("3b3e0c5e-52a1-5c52-8d39-6c1c2b7b0a44")  # of imported runs: arbitrary, never to be changed
PACKAGES: Final = ("lics_beamline", "fabio", "h5py", "numpy", "pyFAI")

Document = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a person says of frames beside their table. Empty for what nobody said.

    Parameters
    ----------
    title, sample, operator, proposal : str
        As of an experiment.
    pressure_by, temperature_by : str
        How pressure and temperature were determined: ``ruby, operator's notebook``.
    """

    title: str
    sample: str
    operator: str = ""
    proposal: str = ""
    pressure_by: str = ""
    temperature_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRun:
    """Frames with a table, to be recorded as a run. The same frames, table, recipe and origin make the same run.

    Parameters
    ----------
    table : FrameTable
        The table.
    frames : tuple of FrameFile
        Its frames, each found.
    recipe : Recipe
        By which they are reduced unless another is asked for.
    origin : Origin
        What was said beside.
    patterns : PatternReading, optional
        How the files are read, where they hold patterns and no images.
    """

    table: FrameTable
    frames: tuple[FrameFile, ...]
    recipe: Recipe
    origin: Origin
    patterns: PatternReading | None = None

    @property
    def uid(self) -> str:
        """Uid of the run."""
        frames = [(frame.sha256, frame.dataset, frame.number) for frame in self.frames]
        made_of = [self.table.sha256, self.recipe.digest, asdict(self.origin), frames]
        if self.patterns is not None:
            made_of.append(self.patterns.model_dump(mode="json"))
        return str(uuid.uuid5(NAMESPACE, json.dumps(made_of)))

    @property
    def folder(self) -> str:
        """Folder below ``plates`` for frames that do not lie in the data folder."""
        return self.uid[:8]

    def documents(self, placed: Placement, *, folder: str, is_copy: bool) -> Iterator[Document]:
        """Yield the documents of the run.

        Parameters
        ----------
        placed : Placement
            Where the frames lie now.
        folder : str
            Where they came from, for the record.
        is_copy : bool
            Whether they were copied.
        """
        now = time.time()
        yield "start", self._start(now, folder=folder, is_copy=is_copy)
        points, images = self._point_descriptor(now), self._image_descriptor(now)
        yield "descriptor", points
        yield "descriptor", images
        resources: set[str] = set()
        for index, frame in enumerate(self.frames):
            yield "event", self._event("point", points, index, self._point(index, frame), now)
            if self.patterns is not None:  # the catalog shows images, and these are none
                data = self._image(index, frame, placed.recorded[frame.file])
                yield "event", self._event("image", images, index, data, now)
                continue
            resource = self._resource(frame, placed.recorded[frame.file])
            if resource["uid"] not in resources:
                resources.add(resource["uid"])
                yield "resource", resource
            datum = f"{resource['uid']}/{index}"
            kwargs = {"frame": frame.number}
            yield "datum", {"datum_id": datum, "resource": resource["uid"], "datum_kwargs": kwargs}
            image = self._image(index, frame, placed.recorded[frame.file]) | {schema.FRAME_IMAGE: datum}
            yield "event", self._event("image", images, index, image, now) | {"filled": {schema.FRAME_IMAGE: False}}
        count = len(self.frames)
        yield (
            "stop",
            {
                "uid": self._uid_of("stop"),
                "run_start": self.uid,
                "time": now,
                "exit_status": "success",
                "reason": "",
                "num_events": {schema.PRIMARY: count, schema.READOUT: count},
            },
        )

    def _uid_of(self, what: str) -> str:
        return str(uuid.uuid5(uuid.UUID(self.uid), what))

    def _start(self, now: float, *, folder: str, is_copy: bool) -> dict[str, Any]:
        recipe, origin = self.recipe, self.origin
        return {
            "uid": self.uid,
            "time": now,
            "plan_name": "import",
            "plan_type": "import",
            "scan_id": 0,  # of no engine
            "hints": schema.dimensions((), temperature="temperature_k"),
            "purpose": schema.SWEEP,
            "sweep_uid": self.uid,
            "plate_folder": self.folder,
            "title": origin.title,
            "operator": origin.operator,
            "proposal": origin.proposal,
            "sample": {"name": origin.sample, "composition": "", "phases": []},
            "wavelength_angstrom": recipe.geometry.wavelength_angstrom,
            "geometry_digest": recipe.geometry.digest,
            "recipe": recipe.model_dump(mode="json"),
            "recipe_digest": recipe.digest,
            "path": [],
            "points": len(self.frames),
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            schema.IMPORTED: {
                "by": f"lics_beamline {importlib.metadata.version('lics_beamline')}",
                "table": self.table.name,
                "table_sha256": self.table.sha256,
                "frames_from": folder,
                "frames_copied": is_copy,
                "pressure_by": origin.pressure_by,
                "temperature_by": origin.temperature_by,
                **({} if self.patterns is None else {schema.PATTERNS: self.patterns.model_dump(mode="json")}),
            },
        }

    def _point_descriptor(self, now: float) -> dict[str, Any]:
        keys = {field.name: field.data_key(source=f"table:{field.name}") for field in schema.IMPORTED_FIELDS}
        return self._descriptor(schema.PRIMARY, keys, "table", now, hints=schema.hints(schema.IMPORTED_FIELDS))

    def _image_descriptor(self, now: float) -> dict[str, Any]:
        text = {"source": "import:frame", "dtype": "string", "shape": []}
        rows, columns = self.frames[0].shape
        keys: dict[str, dict[str, Any]] = {
            field.name: field.data_key(source=f"import:{field.name}")
            for field in (schema.EXPOSURE_UID, schema.POINT_INDEX)
        }
        keys |= dict.fromkeys((schema.FRAME_PATH, schema.FRAME_SHA256, schema.FRAME_DATASET), text)
        keys[schema.FRAME_NUMBER] = text | {"dtype": "integer"}
        if self.patterns is not None:
            return self._descriptor(schema.READOUT, keys, "import", now, hints=schema.hints(()))
        keys[schema.FRAME_IMAGE] = {
            "source": "import:frame",
            "dtype": "array",
            "dtype_numpy": "<i4" if all(frame.is_whole for frame in self.frames) else "<f4",
            "shape": [rows, columns],
            "dims": ["y", "x"],
            "units": "counts",
            "external": "FILESTORE:",
        }
        return self._descriptor(schema.READOUT, keys, "import", now, hints=schema.hints(()))

    def _descriptor(
        self, stream: str, keys: dict[str, Any], source: str, now: float, *, hints: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "uid": self._uid_of(f"descriptor {stream}"),
            "run_start": self.uid,
            "time": now,
            "name": stream,
            "data_keys": keys,
            "object_keys": {source: list(keys)},
            "configuration": {},
            "hints": {source: hints},
        }

    def _event(
        self, what: str, descriptor: dict[str, Any], index: int, data: dict[str, Any], now: float
    ) -> dict[str, Any]:
        return {
            "uid": self._uid_of(f"{what} {index}"),
            "descriptor": descriptor["uid"],
            "time": now,
            "seq_num": index + 1,
            "data": data,
            "timestamps": dict.fromkeys(data, now),
            "filled": {},
        }

    def _exposure_uid(self, index: int) -> str:
        return self._uid_of(f"exposure {index}")

    def _point(self, index: int, frame: FrameFile) -> dict[str, Any]:
        row = frame.row
        return {
            schema.POINT_INDEX.name: index,
            schema.LEG.name: schema.IMPORTED_LEG,
            schema.STROKE.name: row.stroke,
            schema.EXPOSURE_UID.name: self._exposure_uid(index),
            schema.EXPOSURE_S.name: frame.exposure_s,
            "pressure_gpa": row.pressure_gpa,
            "pressure_sigma_gpa": row.pressure_sigma_gpa,
            "temperature_k": row.temperature_k,
            "temperature_sigma_k": row.temperature_sigma_k,
            "comment": row.comment,
            "table_file": row.file,
            "table_line": row.line,
        }

    def _image(self, index: int, frame: FrameFile, path: str) -> dict[str, Any]:
        return {
            schema.EXPOSURE_UID.name: self._exposure_uid(index),
            schema.POINT_INDEX.name: index,
            schema.FRAME_PATH: path,
            schema.FRAME_SHA256: frame.sha256,
            schema.FRAME_NUMBER: frame.number,
            schema.FRAME_DATASET: frame.dataset,
        }

    def _resource(self, frame: FrameFile, path: str) -> dict[str, Any]:
        rows, columns = frame.shape
        return {
            "uid": self._uid_of(f"resource {path} {frame.dataset}"),
            "run_start": self.uid,
            "spec": schema.FOREIGN_SPEC,
            "root": "",
            "resource_path": path,
            "path_semantics": "posix",
            "resource_kwargs": {"dataset": frame.dataset, "chunk_shape": [1, rows, columns]},
        }
