"""Analysis of points whose pressure and temperature were given: nothing is varied that was not read here."""

import math
from dataclasses import replace

import pytest
from worlds.compressed_alloy import ALLOY, documents, points

from lics_beamline.analysis.compression import compressions
from lics_beamline.analysis.transition import transition
from lics_beamline.exports.comparison import boundaries
from lics_beamline.exports.reduced_run import reduced_run


def imported(made):
    """Return a run of points as an import gives them: no ruby line, no systematic error."""
    unread = ("ruby_r1_nm", "ruby_r1_sigma_nm", "ruby_temperature_k", "pressure_systematic_gpa", "load_bar")
    run = reduced_run(documents(made=[point | dict.fromkeys(unread, math.nan) for point in made]))
    return replace(run, start=run.start | {"imported": {"pressure_by": "diamond edge"}})


def test_isotherms_rest_on_the_given_pressures_and_only_the_place_of_the_sample_is_varied():
    (found,) = compressions(imported(points()))
    assert [round(each.temperature_k) for each in found.recorded.isotherms] == [298, 495]
    assert [each.under.term for each in found.others] == ["sample placement"]
    volume = found.recorded.isotherms[0].volume_angstrom3(5.0)
    assert volume == pytest.approx(ALLOY.volume_angstrom3(5.0, 298.0), rel=2e-4)


def test_a_pressure_without_an_error_counts_as_much_as_the_others():
    some = [point | ({"pressure_sigma_gpa": math.nan} if index % 2 else {}) for index, point in enumerate(points())]
    (found,) = compressions(imported(some))
    (whole,) = compressions(imported(points()))
    for one, other in zip(found.recorded.isotherms, whole.recorded.isotherms, strict=True):
        assert one.equation.bulk_modulus_gpa == pytest.approx(other.equation.bulk_modulus_gpa, rel=1e-3)


def test_where_no_pressure_has_an_error_the_scatter_gives_that_of_the_isotherm():
    (found,) = compressions(imported([point | {"pressure_sigma_gpa": math.nan} for point in points()]))
    cold = found.recorded.isotherms[0]
    assert all(math.isfinite(each) and each > 0.0 for each in cold.sigmas)
    assert cold.equation.bulk_modulus_gpa == pytest.approx(ALLOY.bulk_modulus_gpa, rel=0.05)


@pytest.mark.parametrize("place", [1, 5])  # where the phase comes, and in the midst of it
def test_a_point_without_a_pressure_is_no_place_where_a_phase_comes_or_goes(place):
    made = points()
    unknown = made[place] | {"pressure_gpa": math.nan, "phases": "", "exposure_uid": "unknown"}
    later = [point | {"point_index": point["point_index"] + 1} for point in made[place:]]
    run, without = imported([*made[:place], unknown, *later]), imported(made)
    assert boundaries(run) == boundaries(without)
    assert len(boundaries(run)) > 0
    found, wanted = transition(run, "alloy"), transition(without, "alloy")
    for name in ("appears", "disappears"):
        brackets = [[each.pressures_gpa for each in getattr(one, name)] for one in (found, wanted)]
        assert brackets[0] == brackets[1]
        assert len(brackets[0]) == 1
    assert len(compressions(run)[0].recorded.readings) == len(compressions(without)[0].recorded.readings)


def test_pressures_are_named_after_how_they_were_determined():
    run = imported(points())
    assert (run.pressure_by, run.pressure_axis) == ("diamond edge", "pressure as given (GPa)")
    assert reduced_run(documents()).pressure_axis == "pressure from ruby (GPa)"
