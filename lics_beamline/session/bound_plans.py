"""The plans of a session with plain parameters, for a prompt and for a queue.

Each takes an experiment by the name that it has in the profile, by the path of its file, or whole: as `read_experiment`
gives it, or as a dict of what a file says. Each refuses before the first move what `lics check` refuses.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bluesky.utils import MsgGenerator

from lics_beamline.session.asked_experiment import asked_experiment
from lics_beamline.session.left_cell import as_left
from lics_beamline.session.requirement import require_calibrant, require_fit

if TYPE_CHECKING:
    from lics_beamline.session.session import Session

Plan = Callable[..., MsgGenerator[Any]]


def parameters_of(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return all parameters of a plan by their names, as they would be when it is called; None where it cannot be.

    Parameters
    ----------
    name : str
        Of the plan.
    args, kwargs : sequence, mapping
        What it is called with.
    """
    plan = bound_plans(None).get(name)
    if plan is None:
        return None
    try:
        bound = inspect.signature(plan).bind(*args, **kwargs)
    except TypeError:
        return None
    bound.apply_defaults()
    return dict(bound.arguments)


def bound_plans(session: Session | None) -> dict[str, Plan]:
    """Return the plans of a session by their names: sweep, hunt, isobar, heat, hold, calibrate, abort.

    Parameters
    ----------
    session : Session or None
        Where they run; None where only their parameters are asked for.
    """

    def there() -> Session:
        if session is None:
            raise ValueError("these plans have no session to run in")
        return session

    def walk(plan: str, asked: Mapping[str, Any]) -> MsgGenerator[str]:
        from bluesky.plan_stubs import rd

        here = there()
        experiment = asked_experiment(here.profile, plan, asked)
        load_bar = yield from rd(here.beamline.membrane.load_bar)
        begins = as_left(here.data, sample=experiment.sample.name, load_bar=float(load_bar))
        require_fit(experiment, here.profile, here.recipe, data=here.data, begins=begins)
        return (yield from here.sweep(experiment, md=asked["md"]))

    def sweep(
        experiment: str | dict[str, object], points: int | None = None, md: dict[str, object] | None = None
    ) -> MsgGenerator[str]:
        """Walk the path of an experiment and measure each of its points: ``RE(sweep("lics-2015", points=2))``.

        However it ends, gas is held, the heater goes down and the shutter closes.

        Parameters
        ----------
        experiment : str, dict or Experiment
            Its name in the profile, the path of its file, or the whole of it.
        points : int, optional
            The first so many points only.
        md : dict, optional
            Added to the start document.

        Returns
        -------
        str
            Uid of the run.
        """
        return (yield from walk("sweep", {"experiment": experiment, "points": points, "md": md}))

    def hunt(
        experiment: str | dict[str, object],
        hunt: str,
        start_gpa: float,
        last_gpa: float,
        stroke: str = "upstroke",
        temperature_k: float = 298.0,
        within_gpa: float = 0.05,
        most_points: int = 60,
        md: dict[str, object] | None = None,
    ) -> MsgGenerator[str]:
        """Look for a transition on a one-sided ladder: ``RE(hunt("onset", "onset of alloy", 2.0, 4.0))``.

        Parameters
        ----------
        experiment : str, dict or Experiment
            Sample, cell and exposure; its own path is not walked.
        hunt : str
            ``onset of alloy``, ``dissociation of alloy``, ``onset of new phase``.
        start_gpa, last_gpa : float
            First rung, where nothing has reacted yet, and where the hunt is given up [GPa].
        stroke : {"upstroke", "downstroke"}
            Loading or unloading.
        temperature_k : float
            Temperature of the cell, at the gasket [K].
        within_gpa : float
            How well the median threshold is to be known [GPa].
        most_points : int
            Points after which the hunt is given up.
        md : dict, optional
            Added to the start document.

        Returns
        -------
        str
            Uid of the run.
        """
        asked = {"experiment": experiment, "hunt": hunt, "start_gpa": start_gpa, "last_gpa": last_gpa, "md": md}
        how = {"stroke": stroke, "temperature_k": temperature_k, "within_gpa": within_gpa, "most_points": most_points}
        return (yield from walk("hunt", asked | how))

    def isobar(
        experiment: str | dict[str, object],
        pressure_gpa: float,
        temperatures_k: list[float],
        ramp_rate_k_per_min: float = 5.0,
        soak_s: float = 0.0,
        stroke: str = "upstroke",
        temperature_k: float = 298.0,
        md: dict[str, object] | None = None,
    ) -> MsgGenerator[str]:
        """Go to a pressure, and hold it while heating: ``RE(isobar("lics-2015", 5.0, [348.0, 398.0]))``.

        Parameters
        ----------
        experiment : str, dict or Experiment
            Sample, cell and exposure; its own path is not walked.
        pressure_gpa : float
            Pressure that is held by letting gas out [GPa].
        temperatures_k : list of float
            Temperatures of the points, rising, at the gasket [K].
        ramp_rate_k_per_min : float
            Ramp between them [K/min].
        soak_s : float
            Wait at a temperature before its point [s of experiment].
        stroke : {"upstroke", "downstroke"}
            By which the pressure is reached.
        temperature_k : float
            At which it is reached [K].
        md : dict, optional
            Added to the start document.

        Returns
        -------
        str
            Uid of the run.
        """
        asked = {"experiment": experiment, "pressure_gpa": pressure_gpa, "temperatures_k": temperatures_k, "md": md}
        how = {"ramp_rate_k_per_min": ramp_rate_k_per_min, "soak_s": soak_s}
        return (yield from walk("isobar", asked | how | {"stroke": stroke, "temperature_k": temperature_k}))

    def heat(
        experiment: str | dict[str, object],
        temperatures_k: list[float],
        ramp_rate_k_per_min: float = 5.0,
        soak_s: float = 0.0,
        md: dict[str, object] | None = None,
    ) -> MsgGenerator[str]:
        """Heat at a held load, and measure at each temperature: ``RE(heat("lics-2015", [348.0, 398.0]))``.

        Parameters
        ----------
        experiment : str, dict or Experiment
            Sample, cell and exposure; its own path is not walked.
        temperatures_k : list of float
            Temperatures of the points, rising, at the gasket [K].
        ramp_rate_k_per_min : float
            Ramp between them [K/min].
        soak_s : float
            Wait at a temperature before its point [s of experiment].
        md : dict, optional
            Added to the start document.

        Returns
        -------
        str
            Uid of the run.
        """
        asked = {"experiment": experiment, "temperatures_k": temperatures_k, "md": md}
        return (yield from walk("heat", asked | {"ramp_rate_k_per_min": ramp_rate_k_per_min, "soak_s": soak_s}))

    def hold(
        experiment: str | dict[str, object],
        count: int = 1,
        wait_s: float = 0.0,
        temperature_k: float = 298.0,
        md: dict[str, object] | None = None,
    ) -> MsgGenerator[str]:
        """Measure where the cell is, nothing moved: ``RE(hold("lics-2015", count=3, wait_s=600.0))``.

        Parameters
        ----------
        experiment : str, dict or Experiment
            Sample, cell and exposure; its own path is not walked.
        count : int
            Points to measure.
        wait_s : float
            Time between two of them [s of experiment].
        temperature_k : float
            Temperature of the cell, at the gasket [K].
        md : dict, optional
            Added to the start document.

        Returns
        -------
        str
            Uid of the run.
        """
        asked = {"experiment": experiment, "count": count, "wait_s": wait_s, "md": md}
        return (yield from walk("hold", asked | {"temperature_k": temperature_k}))

    def calibrate(
        calibrant: str, exposure_s: float, oscillation_deg: float = 0.0, md: dict[str, object] | None = None
    ) -> MsgGenerator[str]:
        """Expose a calibrant where the sample will be: ``RE(calibrate("CeO2", 60.0))``; then `lics calibrate`.

        Parameters
        ----------
        calibrant : str
            Its name, or a ``.D`` file of spacings.
        exposure_s : float
            Time the plate sees X-rays [s of experiment].
        oscillation_deg : float
            Range of oscillation [deg]; averages grains.
        md : dict, optional
            Added to the start document.

        Returns
        -------
        str
            Uid of the run.
        """
        from lics_beamline.calibration.calibrant import find_calibrant
        from lics_beamline.plans.calibrate import calibrate as plan

        here = there()
        require_calibrant({"calibrant": calibrant, "exposure_s": exposure_s})
        return (
            yield from plan(
                here.beamline,
                find_calibrant(calibrant),
                profile=here.profile,
                recipe=here.recipe,
                exposure_s=exposure_s,
                oscillation_deg=oscillation_deg,
                md=md,
            )
        )

    def abort(md: dict[str, object] | None = None) -> MsgGenerator[None]:
        """Make safe: gas held, heater down, shutter closed, each verified by its read-back; nothing is recorded.

        Parameters
        ----------
        md : dict, optional
            Taken, because every plan takes it.
        """
        from lics_beamline.plans.sweep import safe

        yield from safe(there().beamline)

    return {plan.__name__: plan for plan in (sweep, hunt, isobar, heat, hold, calibrate, abort)}
