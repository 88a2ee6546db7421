"""Judging what a plan is asked for when it is submitted to a queue and, by the same rules, before its first move.

bluesky-queueserver validates the parameters of a plan in its manager, by types that are written as text into the list
of plans. `annotation` gives the text of a type by which the last parameter is judged together with all the others. A
manager that does not answer for seconds is taken for dead, so the rules are read and applied in a thread beside it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, Field, ValidationInfo

from lics_beamline.errors import LicsError
from lics_beamline.session.asked_experiment import asked_experiment
from lics_beamline.session.queue_ahead import queued_plans
from lics_beamline.session.requirement import require_calibrant, require_fit
from lics_beamline.session.stock_plans import STOCK_PLANS, stock_refusal

if TYPE_CHECKING:
    from lics_beamline.experiment import Experiment
    from lics_beamline.profile import Profile

ANSWER_S: Final = 1.2  # for a judgement, of the 2 s for which a client of the manager waits and the 5 s of its watchdog
WORKER_VARIABLE: Final = "LICS_QUEUE_WORKER"  # holds the process id of a worker: there a plan is judged as it begins
STILL: Final = "the rules are still being applied. Submit it again in a few seconds"


def annotation(plan: str, profile: Path) -> str:
    """Return the type of the last parameter of a plan, as text that the manager of a queue evaluates."""
    return f"__import__({__name__!r}, fromlist=['judged_md']).judged_md({plan!r}, {str(profile)!r})"


def judged_md(plan: str, profile: str) -> Any:
    """Return the type of the parameter ``md`` of a plan, which is valid where all its parameters are."""

    def judge(md: dict[str, Any] | None, info: ValidationInfo) -> dict[str, Any] | None:
        if plan in STOCK_PLANS:
            says = stock_refusal(plan, info.data)
        elif os.environ.get(WORKER_VARIABLE) == str(os.getpid()):  # the plan is about to begin, and judges by itself
            return md
        else:
            says = _judge_at(profile).says(plan, info.data)
        if says:
            raise ValueError(says)
        return md

    return Annotated[dict[str, Any] | None, Field(validate_default=True), AfterValidator(judge)]


@functools.cache
def _judge_at(profile: str) -> SubmissionJudge:
    return SubmissionJudge(functools.partial(refusal, profile))


class SubmissionJudge:
    """Judges what is submitted, in a thread of its own.

    Parameters
    ----------
    judge : callable
        Given a plan's name and its parameters, says why it is refused; empty where it is not.
    """

    def __init__(self, judge: Callable[[str, Mapping[str, Any]], str]) -> None:
        self._judge = judge
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="judge")
        self._asked: dict[str, Future[str]] = {}

    def says(self, plan: str, parameters: Mapping[str, Any]) -> str:
        """Return why a plan with these parameters is refused; empty where it is not.

        What takes longer than `ANSWER_S` is refused with `STILL`, and answered when it is asked again.

        Parameters
        ----------
        plan : str
            Its name.
        parameters : mapping
            Those of its parameters that have the right type: where one has not, that is said anyway.
        """
        key = json.dumps([plan, dict(parameters)], sort_keys=True, default=str)
        answer = self._asked.get(key) or self._thread.submit(self._judge, plan, dict(parameters))
        self._asked[key] = answer
        try:
            return answer.result(ANSWER_S)
        except TimeoutError:
            return STILL
        finally:
            if answer.done():  # files may change until it is asked again
                self._asked.pop(key, None)


def refusal(
    profile_name: str,
    plan: str,
    parameters: Mapping[str, Any],
    *,
    queued: Sequence[Mapping[str, Any]] | None = None,
) -> str:
    """Return why a plan is refused at a beamline by what is known before; empty where it is not.

    It is judged from where the plans before it in the queue will have brought the cell.

    Parameters
    ----------
    profile_name : str
        Name or folder of the profile.
    plan : str
        Name of the plan.
    parameters : mapping
        Its parameters.
    queued : sequence of mapping, optional
        Plans that run or wait, as the manager keeps them; default those of the manager that this process is.
    """
    from lics_beamline.devices.control_layer import choose

    choose()  # before anything below imports ophyd
    from lics_beamline.profile import read_profile
    from lics_beamline.reduction.recipe import read_recipe

    try:
        if plan == "calibrate":
            require_calibrant(parameters)
        else:
            profile = read_profile(profile_name)
            recipe = read_recipe(profile.recipe_file, geometry=profile.geometry)
            experiment = asked_experiment(profile, plan, parameters)
            ahead = [*_experiments(profile, queued_plans() if queued is None else queued)]
            require_fit(experiment, profile, recipe, ahead=ahead)
    except LicsError as error:
        return str(error)
    except KeyError:
        return ""  # a parameter of a wrong type, of which the manager tells
    return ""


def _experiments(profile: Profile, queued: Sequence[Mapping[str, Any]]) -> Iterator[Experiment]:
    """Yield what queued plans walk; those that move no cell, and those whose files have gone since, are passed over."""
    from lics_beamline.session.bound_plans import parameters_of

    for item in queued:
        parameters = parameters_of(str(item.get("name", "")), item.get("args", ()), item.get("kwargs", {}))
        if parameters is None or "experiment" not in parameters:
            continue
        with contextlib.suppress(LicsError, KeyError):  # what it was when it was queued nobody knows any more
            yield asked_experiment(profile, str(item["name"]), parameters)
