"""Writes the documents of one run into an open catalog, in batches that can be pushed out at any moment."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bluesky_tiled_plugins.writing.consolidators import CONSOLIDATOR_REGISTRY, MultipartRelatedConsolidator
from bluesky_tiled_plugins.writing.tiled_writer import RunNormalizer, _RunWriter

from lics_beamline.catalog.frame_adapter import frame_uri
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import JournalError, LicsError, UnsafeName
from lics_beamline.journal.safe_name import check_start, inside, safe_name
from lics_beamline.schema import FOREIGN_MIMETYPE, FOREIGN_SPEC, PLATE_MIMETYPE, PLATE_SPEC

_TEMPLATE: Final = re.compile(r"[A-Za-z0-9_-]*\{(:0?[0-9]?d)?\}[A-Za-z0-9_.-]*")  # filled with the number of a plate
_PYTHON_TYPE = {"number": float, "integer": int, "boolean": bool, "string": str}


@dataclass(frozen=True, slots=True, kw_only=True)
class _ImagePlace:
    """Where the images of a resource lie: plates in a folder, by a template; or in one file of another program."""

    path: Path
    template: str = ""
    dataset: str = ""

    def uri(self, run: str, numbers: Mapping[str, Any]) -> str:
        """Return the URI of an image, by what its datum says; as Tiled writes and reads it, nothing is escaped."""
        if self.template:
            return f"file://localhost{self.path / self.template.format(numbers['point_number'])}"
        return frame_uri(self.path, number=int(numbers["frame"]), dataset=self.dataset, run=run)


class _PlateConsolidator(MultipartRelatedConsolidator):
    """Registers one file for each readout, whatever folder and number it has.

    The plugins' own takes a file's index in the stream for its number, and all files for those of one folder: a plate
    that never came, or a second folder, would give other images.
    """

    supported_mimetypes = frozenset({PLATE_MIMETYPE, FOREIGN_MIMETYPE})
    files: Sequence[str] = ()
    _told = 0

    def get_data_source(self) -> Any:
        """Return what has come since this was last asked: Tiled asks its index three times of each file it is told."""
        told, self._told = self._told, len(self.assets)
        return replace(super().get_data_source(), assets=self.assets[told:])

    def get_datum_uri(self, indx: int) -> str:
        """Return the file of a readout, by its index in the stream."""
        return self.files[indx]


class _RowWriter(_RunWriter):
    """The plugins' own writer of one run, which can also write what it holds before its batch is full.

    TiledWriter offers batches (nothing of a live run is seen until one is full) or single events (50 ms each).

    Attributes
    ----------
    files : list of str
        URIs of the plate files of the run, in the order of their readouts.
    """

    def __init__(self, client: Any, *, has_subscribers: bool, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self._has_subscribers = has_subscribers
        self.files: list[str] = []

    def _update_consolidator(self, doc: Any) -> Any:
        _, consolidator = self.get_sres_node(doc["stream_resource"], doc["descriptor"])
        if isinstance(consolidator, _PlateConsolidator):
            consolidator.files = self.files
        return super()._update_consolidator(doc)

    def _close_stream_tree(self) -> None:
        """Tell subscribers that the run has ended, where there may be any: that takes a request a node."""
        if self._has_subscribers:
            super()._close_stream_tree()

    def flush(self) -> None:
        """Write all rows and frames held."""
        for stream, rows in self._internal_data_cache.items():
            if rows:
                self._write_internal_data(rows, desc_node=self._desc_nodes[stream])
                rows.clear()
        for frames in self._external_data_cache.values():
            self._write_external_data(frames)
        self._external_data_cache.clear()


class RunWriter:
    """Writes one run; callable with ``(name, document)``, from its start document on.

    Parameters
    ----------
    client : CatalogOfBlueskyRuns
        The catalog, open for writing.
    data : DataFolder
        Where plates are found: resources say their path relative to it.
    tags : tuple of str
        Of who may read it, on a server.
    has_subscribers : bool
        Whether others may listen to the run as it is written: on a server they may.

    Raises
    ------
    UnsafeName
        From a call: a stream, a field or a file of images has a name that might lead out of where it belongs. Tiled
        makes folders of the first two.
    """

    def __init__(
        self, client: Any, data: DataFolder, *, tags: tuple[str, ...] = (), has_subscribers: bool = False
    ) -> None:
        CONSOLIDATOR_REGISTRY[PLATE_MIMETYPE] = _PlateConsolidator
        CONSOLIDATOR_REGISTRY[FOREIGN_MIMETYPE] = _PlateConsolidator
        self._run = ""
        self._tags = tags
        self._root = data.root.resolve()
        self._types: dict[str, dict[str, type]] = {}
        self._indices: dict[str, int] = {}  # of each datum among the run's
        self._places: dict[str, _ImagePlace] = {}  # of each resource
        # Arrays of any size go to zarr: SQLite tables cannot hold them, and fail only when the run stops.
        self._rows = _RowWriter(client.include_data_sources(), max_array_size=0, has_subscribers=has_subscribers)
        self._normalizer = RunNormalizer(
            patches={"start": self._tagged, "resource": self._locate, "datum": self._numbered, "event": self._typed},
            spec_to_mimetype={PLATE_SPEC: PLATE_MIMETYPE, FOREIGN_SPEC: FOREIGN_MIMETYPE},
        )
        self._normalizer.subscribe(self._rows)

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document; it is in the catalog after `flush`, or after the stop document."""
        if name == "start":
            self._run = check_start(doc, where="a run about to be catalogued")
        if name == "descriptor":
            where = f"descriptor of stream {doc['name']!r}"
            safe_name(doc["name"], what="stream", where=where)
            for key in doc["data_keys"]:
                safe_name(key, what="field", where=where)
            self._types[doc["uid"]] = {
                key: _PYTHON_TYPE[about["dtype"]]
                for key, about in doc["data_keys"].items()
                if about["dtype"] in _PYTHON_TYPE and not about.get("external")
            }
        try:
            self._normalizer(name, doc)
        except LicsError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise JournalError(
                f"{name} document {doc.get('uid', '')} is none that the catalog can hold: {type(error).__name__}: "
                f"{error}. Take the journal from a copy.",
                document=name,
            ) from error

    def flush(self) -> None:
        """Write all that was taken."""
        self._rows.flush()

    def _tagged(self, doc: dict[str, Any]) -> dict[str, Any]:
        """Say who may read the run; what a journal says of that itself is nobody's word."""
        return {**doc, "tiled_access_tags": list(self._tags) or None}

    def _locate(self, doc: dict[str, Any]) -> dict[str, Any]:
        located = {**doc, "root": doc.get("root") or str(self._root)}
        if doc["spec"] == PLATE_SPEC:
            folder = inside(Path(located["root"]), located["resource_path"], what="folder of plates")
            template = str(located["resource_kwargs"]["template"])
            if not _TEMPLATE.fullmatch(template):
                raise UnsafeName(
                    f"resource document of {folder}: template {template!r} names no plate files; a plain name with one "
                    "number does, as {:06d}.osc. Look where this document came from.",
                    template=template,
                )
            self._places[doc["uid"]] = _ImagePlace(path=folder, template=template)
        elif doc["spec"] == FOREIGN_SPEC:
            file = inside(Path(located["root"]), located["resource_path"], what="file of frames")
            kwargs = dict(located["resource_kwargs"])
            self._places[doc["uid"]] = _ImagePlace(path=file, dataset=str(kwargs.pop("dataset", "")))
            located["resource_kwargs"] = kwargs | {"template": "{:d}"}  # asked for, and not used: files are named here
        return located

    def _numbered(self, doc: dict[str, Any]) -> dict[str, Any]:
        """Make a datum one of the run's first folder, by its place among all of the run's; its file is kept aside."""
        if doc["resource"] not in self._places:
            return doc
        index = self._indices.setdefault(doc["datum_id"], len(self._rows.files))
        if index == len(self._rows.files):  # else an event that was given up announced it already
            self._rows.files.append(self._places[doc["resource"]].uri(self._run, doc["datum_kwargs"]))
        return {**doc, "resource": next(iter(self._places)), "datum_kwargs": {"point_number": index}}

    def _typed(self, doc: dict[str, Any]) -> dict[str, Any]:
        """Make values what their data keys say: a first batch of whole numbers must not make a column of integers."""
        types = self._types[doc["descriptor"]]
        data = dict(doc["data"])
        for key in types.keys() & data.keys():
            with contextlib.suppress(TypeError, ValueError):  # the catalog judges a value that is not what was declared
                data[key] = types[key](data[key])
        return {**doc, "data": data}
