"""What a plan must fulfil before its first move, at a prompt and in a queue alike: the rules of `lics check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lics_beamline.errors import ProfileError

if TYPE_CHECKING:
    from lics_beamline.control.cell_estimate import PressureReading
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.experiment import Experiment
    from lics_beamline.profile import Profile
    from lics_beamline.reduction.recipe import Recipe


def require_fit(
    experiment: Experiment,
    profile: Profile,
    recipe: Recipe,
    *,
    data: DataFolder | None = None,
    begins: PressureReading | None = None,
    ahead: Sequence[Experiment] = (),
) -> None:
    """Refuse an experiment that `lics check` refuses.

    Parameters
    ----------
    experiment : Experiment
        What is to be done.
    profile : Profile
        The beamline.
    recipe : Recipe
        How its runs are reduced.
    data : DataFolder, optional
        Where it is to be recorded.
    begins : PressureReading, optional
        How the sweep before has left the cell; default as loaded, with no gas.
    ahead : sequence of Experiment
        What is done before it.

    Raises
    ------
    ProfileError
        With every refusal: what was found, what is allowed, what to do.
    """
    from lics_beamline.checks.judgement import case_of, judge, refusals
    from lics_beamline.checks.place import look_at

    place = look_at(data) if data is not None else None
    paths = [each.points() for each in ahead] if begins is None else [(), *(each.points() for each in ahead)]
    refused = refusals(judge(case_of(experiment, profile, recipe, place=place, begins=begins, ahead=paths)))
    if refused:
        raise ProfileError(" ".join(f"{finding.rule}: {finding.says}" for finding in refused))


def require_calibrant(parameters: Mapping[str, Any]) -> None:
    """Refuse a calibration whose calibrant nobody knows, or whose exposure is none.

    Raises
    ------
    ProfileError
        Naming what was asked for.
    """
    from lics_beamline.calibration.calibrant import find_calibrant

    find_calibrant(parameters["calibrant"])
    if not parameters["exposure_s"] > 0.0:
        raise ProfileError(f"exposure_s = {parameters['exposure_s']} s: a plate is exposed for more than 0 s.")
