"""Many frames of many files, reduced in their order by one process or several; one that fails ends no other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.frame import FrameSeries
from lics_beamline.frames.image_file import PACKED
from lics_beamline.reduction.image import Choice, ImageRecipe, ReducedImage, reduce_frame
from lics_beamline.reduction.workers import OUT_FOR_EACH, leave_ctrl_c_to_the_parent

FrameChoice = Choice | Literal["each"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageWork:
    """A frame to be reduced.

    Parameters
    ----------
    path : Path
        Its file.
    frame : int or {"first", "sum"}
        Its number, from 1; the first; or the sum of all.
    frames : int
        Frames of the file that are reduced one by one; 1 where it is not taken apart.
    """

    path: Path
    frame: Choice = "first"
    frames: int = 1

    @property
    def name(self) -> str:
        """Stem of the files that are written of it: that of its file, with the number of the frame in a series."""
        file = Path(str(self.path).partition("::")[0])
        stem = Path(file.stem if file.suffix.lower() in PACKED else file.name).stem
        if self.frame == "sum":
            return f"{stem}_sum"
        return stem if self.frame == "first" else f"{stem}_{self.frame:0{max(4, len(str(self.frames)))}d}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageOutcome:
    """What came of a frame.

    Parameters
    ----------
    work : ImageWork
        The frame.
    reduced : ReducedImage or None
        None where it failed.
    reason : str
        Why it failed.
    """

    work: ImageWork
    reduced: ReducedImage | None
    reason: str = ""


def work_of(paths: Sequence[Path], choice: FrameChoice) -> tuple[list[ImageWork], list[ImageOutcome]]:
    """Return the frames that are meant of some files, and the files that cannot be read.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    choice : int or {"first", "sum", "each"}
        Which frames of each.
    """
    work: list[ImageWork] = []
    lost: list[ImageOutcome] = []
    for path in paths:
        if choice != "each":
            work.append(ImageWork(path=path, frame=choice))
            continue
        try:
            count = FrameSeries(path).count
        except ReductionFailed as error:
            lost.append(ImageOutcome(work=ImageWork(path=path), reduced=None, reason=str(error)))
            continue
        work += [ImageWork(path=path, frame=number, frames=count) for number in range(1, count + 1)]
    return work, lost


def reduce_all(work: Sequence[ImageWork], recipe: ImageRecipe, *, jobs: int = 1) -> Iterator[ImageOutcome]:
    """Reduce frames, and yield what came of each in their order.

    Parameters
    ----------
    work : sequence of ImageWork
        The frames.
    recipe : ImageRecipe
        How.
    jobs : int
        Processes that share them; 1 starts none.
    """
    if jobs <= 1:
        for one in work:
            yield outcome_of(one, recipe)
        return
    from multiprocessing import get_context

    waiting: deque[Future[ImageOutcome]] = deque()
    # Spawned, not forked: a copy of a process with threads may hang.
    executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=leave_ctrl_c_to_the_parent)
    try:
        for one in work:
            waiting.append(executor.submit(outcome_of, one, recipe))
            if len(waiting) > OUT_FOR_EACH * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def outcome_of(work: ImageWork, recipe: ImageRecipe) -> ImageOutcome:
    """Reduce a frame; why it failed is told and not raised."""
    try:
        return ImageOutcome(work=work, reduced=reduce_frame(work.path, recipe, frame=work.frame))
    except ReductionFailed as error:
        return ImageOutcome(work=work, reduced=None, reason=str(error))
