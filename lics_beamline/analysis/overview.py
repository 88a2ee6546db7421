"""What any reduced run tells: phases, isotherms, expansion, boundaries; the same for every sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from lics_beamline.analysis.compression import Compressions, compressions
from lics_beamline.analysis.transition import PhaseTransition, transition, unnamed_transitions
from lics_beamline.errors import RunNotFound
from lics_beamline.exports.reduced_run import ReducedRun
from lics_beamline.physics.equation_of_state import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A run at a glance.

    Parameters
    ----------
    run : ReducedRun
        The run.
    phases : tuple of Compressions
        Phases of the sample that were found, in the order of the recipe.
    transitions : tuple of PhaseTransition
        Coming and going of each phase.
    unnamed : tuple of PhaseTransition
        The same of phases that the recipe does not have.
    """

    run: ReducedRun
    phases: tuple[Compressions, ...]
    transitions: tuple[PhaseTransition, ...]
    unnamed: tuple[PhaseTransition, ...]

    @classmethod
    def of(cls, run: ReducedRun, *, form: Form = "vinet") -> Self:
        """Analyse a run.

        Parameters
        ----------
        run : ReducedRun
            With its recipe in the start document.
        form : {"vinet", "birch-murnaghan-3"}
            Form of the isotherms.

        Raises
        ------
        RunNotFound
            If the run has no recipe, or no point that was reduced.
        """
        run.require_points()
        if "recipe" not in run.start or not any(point.reduced for point in run.points):
            raise RunNotFound(
                f"run {run.start.get('uid', '')} has no reduced point with a recipe. Reduce it anew: lics replay.",
                uid=run.start.get("uid", ""),
            )
        phases = compressions(run, form=form)
        return cls(
            run=run,
            phases=phases,
            transitions=tuple(transition(run, each.recorded.phase) for each in phases),
            unnamed=unnamed_transitions(run),
        )

    @property
    def with_isotherms(self) -> tuple[Compressions, ...]:
        """Phases with at least one isotherm, those with most points first."""
        fitted = [each for each in self.phases if each.recorded.isotherms]
        return tuple(sorted(fitted, key=lambda each: -len(each.recorded.readings)))

    @property
    def with_expansion(self) -> tuple[Compressions, ...]:
        """Phases with two isotherms."""
        return tuple(each for each in self.with_isotherms if each.recorded.expansion is not None)
