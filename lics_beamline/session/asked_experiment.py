"""Which experiment the plain parameters of a plan mean: one by its name or file, or whole, and a path of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.errors import ProfileError
from lics_beamline.experiment import Experiment, read_experiment
from lics_beamline.files.given_file import is_there
from lics_beamline.files.strict_toml import validate

if TYPE_CHECKING:
    from lics_beamline.profile import Profile


def named_experiment(profile: Profile, name: str) -> Experiment:
    """Read an experiment by the path of its file, or by its name in a profile.

    Raises
    ------
    ProfileError
        If there is none, or it cannot be used.
    """
    file = Path(name)
    if file.suffix or is_there(file):
        return read_experiment(file)
    file = profile.experiments / f"{name}.toml"
    if not is_there(file):
        known = ", ".join(sorted(found.stem for found in profile.experiments.glob("*.toml"))) or "none"
        raise ProfileError(
            f"profile {profile.values.name!r} has no experiment {name!r:.100}; those it has: {known}. Give one of "
            "them, or the path of an experiment file.",
            profile=profile.values.name,
            experiment=name,
        )
    return read_experiment(file)


def given_experiment(profile: Profile, given: object) -> Experiment:
    """Return an experiment that was given by its name, by its file, as a whole, or as what a file of it would say.

    Raises
    ------
    ProfileError
        If it is none of these.
    """
    if isinstance(given, Experiment):
        return given
    if isinstance(given, str | Path):
        return named_experiment(profile, str(given))
    if isinstance(given, Mapping):
        return validate(dict(given), Experiment, source="the experiment given")
    raise ProfileError(
        f"experiment is {given!r:.60}: a name of the profile's, the path of a file, or all that a file says is one.",
        experiment=repr(given)[:60],
    )


def asked_experiment(profile: Profile, plan: str, parameters: Mapping[str, Any]) -> Experiment:
    """Return what a plan walks.

    Parameters
    ----------
    profile : Profile
        Has the experiments that are asked for by name.
    plan : {"sweep", "hunt", "isobar", "heat", "hold"}
        The plan.
    parameters : mapping
        All parameters of that plan.

    Raises
    ------
    ProfileError
        If they mean no experiment.
    """
    experiment = given_experiment(profile, parameters["experiment"])
    if plan != "sweep":
        said = experiment.model_dump(mode="json") | {"legs": _legs(plan, parameters)}
        return validate(said, Experiment, source=f"plan {plan}")
    points = parameters.get("points")
    if points is None:
        return experiment
    if points < 1:
        raise ProfileError(f"points = {points}: a sweep has at least 1 point.", points=points)
    return experiment.first(points)


def _legs(plan: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the path of a plan that has one of its own."""
    at = {"temperature_k": asked.get("temperature_k")}
    if plan == "hold":
        return [{"kind": "hold", "name": "hold", **at, "count": asked["count"], "wait_s": asked["wait_s"]}]
    if plan == "hunt":
        kept = ("hunt", "stroke", "start_gpa", "last_gpa", "within_gpa", "most_points")
        return [{"kind": "hunt", "name": asked["hunt"], **at, **{key: asked[key] for key in kept}}]
    heating = {"kind": "heating", "name": "heating"}
    heating |= {key: asked[key] for key in ("temperatures_k", "ramp_rate_k_per_min", "soak_s")}
    if plan == "heat":
        return [heating]
    gpa = asked["pressure_gpa"]
    there = {"kind": "pressure", "name": f"to {gpa:g} GPa", "stroke": asked["stroke"], **at, "pressures_gpa": [gpa]}
    return [there, heating | {"name": f"isobar {gpa:g} GPa", "hold": "pressure", "pressure_gpa": gpa}]
