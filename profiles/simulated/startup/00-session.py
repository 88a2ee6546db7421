"""What the worker of a queue begins with: a session at this beamline, its devices and its plans."""

from pathlib import Path

from lics_beamline.session.queue_worker import worker_names

globals().update(worker_names(Path(__file__).resolve().parents[1]))
