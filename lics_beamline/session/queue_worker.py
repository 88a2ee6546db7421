"""What the worker of a bluesky-queueserver begins with: a session at a beamline, and what may be queued there.

A profile's startup file calls `worker_names`. The worker is a process that the manager of the queue starts;
the session ends with it.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import time
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.control_layer import choose
from lics_beamline.journal import lock
from lics_beamline.profile import read_profile
from lics_beamline.session.bound_plans import Plan, bound_plans
from lics_beamline.session.queue_manager import resume_by_manager
from lics_beamline.session.session import LOCK_NAME as SESSION_LOCK
from lics_beamline.session.session import open_session
from lics_beamline.session.simulation import LOCK_NAME as SIMULATORS_LOCK
from lics_beamline.session.simulation import simulated_beamline
from lics_beamline.session.stock_plans import PARAMETER_TYPES, STOCK_PLANS, stock_plans
from lics_beamline.session.submission import WORKER_VARIABLE, annotation

if TYPE_CHECKING:
    from lics_beamline.session.session import Session

DATA_VARIABLE: Final = "LICS_DATA"  # names the data folder of a queue; else ./lics-data where the manager was started
ENDING_S: Final = 60.0  # for a session that ends to let go of the folder: the manager says sooner that it has closed
LOOK_S: Final = 0.2
ENDS_FIRST: Final = 100  # priority at the end of the process: before what the session rests on goes


def worker_names(profile_folder: Path) -> dict[str, Any]:
    """Open a session that lasts as long as this process, and return what plans and clients find in it.

    Parameters
    ----------
    profile_folder : Path
        Folder of the profile.

    Returns
    -------
    dict
        ``RE``, the devices and the plans by their names.

    Raises
    ------
    Busy
        If the data folder has a session already.
    """
    profile = read_profile(str(profile_folder))
    data = DataFolder(Path(os.environ.get(DATA_VARIABLE, "lics-data")).expanduser().resolve())
    os.environ[WORKER_VARIABLE] = str(os.getpid())
    _await_end_of_session(data)
    stack = contextlib.ExitStack()
    Finalize(None, stack.close, exitpriority=ENDS_FIRST)
    simulated = None
    if profile.values.simulators:
        simulated = stack.enter_context(simulated_beamline(profile, data, speed=None, seed=None))
    choose(simulated.addresses if simulated else None)
    return _names(stack.enter_context(open_session(profile, data, simulated=simulated)))


def _await_end_of_session(data: DataFolder) -> None:
    """Wait a while for the session of the worker before this one; who holds the folder longer is said when it opens."""
    until_s = time.monotonic() + ENDING_S
    locks = [data.logs / name for name in (SESSION_LOCK, SIMULATORS_LOCK)]
    while any(lock.is_held(path) for path in locks) and time.monotonic() < until_s:
        time.sleep(LOOK_S)


def _names(session: Session) -> dict[str, Any]:
    devices = {device.name: device for device in session.beamline.devices()}
    session.engine.resumed_by = resume_by_manager
    plans = queued_names(bound_plans(session) | stock_plans(), session.profile.folder)
    return {"RE": session.engine, **devices, **plans}


def queued_names(plans: dict[str, Plan], profile: Path) -> dict[str, Plan]:
    """Return plans, of which each says by which types its parameters are judged when it is submitted.

    Parameters
    ----------
    plans : dict
        By their names.
    profile : Path
        Folder of the profile by whose rules they are judged.
    """
    for name, plan in plans.items():
        _annotate(name, plan, profile)
    return plans


def _annotate(name: str, plan: Plan, profile: Path) -> None:
    """Tell the manager the types of the parameters of a plan, the last of which is judged with all the others."""
    parameters = inspect.signature(plan).parameters
    told = PARAMETER_TYPES if name in STOCK_PLANS else {}
    types = {key: told.get(key, {"annotation": str(parameter.annotation)}) for key, parameter in parameters.items()}
    if len(parameters) > 1:  # else there is nothing to judge
        types["md"] = {"annotation": annotation(name, profile)}
    plan._custom_parameter_annotation_ = {"parameters": types}  # type: ignore[attr-defined]  # queueserver's name
