import dataclasses
import math

import pytest
from worlds.listed_lines import lines, point

from lics_beamline.discovery.line_track import LineTrack
from lics_beamline.discovery.survey import RECENT_POINTS, Survey
from lics_beamline.discovery.unknown_phase import grouping

NEW = (3.10, 2.19, 1.79, 1.55)
OTHER = (2.83, 2.45, 1.67, 1.43, 1.31, 1.02)
GASKET = (2.38, 2.22, 2.10, 1.62, 1.37)
PRESSURES_GPA = tuple(0.4 + 0.3 * index for index in range(10))


def surveyed(points):
    survey = Survey()
    return [survey.take(each) for each in points], survey


def sweep(comes=4, *, without=(), extra=lambda index: []):
    return [
        point(
            index + 1,
            pressure,
            [
                *lines(GASKET, pressure, compressibility=0.001, phase="re-hcp"),
                *(lines(NEW, pressure) if index >= comes and index not in without else []),
                *extra(index),
            ],
        )
        for index, pressure in enumerate(PRESSURES_GPA)
    ]


def test_a_phase_that_nobody_named_is_told_at_the_first_point_where_several_lines_of_it_are_there():
    told, survey = surveyed(sweep())
    assert [each.new for each in told] == [()] * 4 + [("unknown 1",)] + [()] * 5
    [phase] = survey.grouping().phases
    assert (phase.name, phase.first.number, phase.last.number, len(phase.tracks)) == ("unknown 1", 5, 10, 4)
    assert phase.compressibility_per_gpa == pytest.approx(0.02, abs=3 * phase.compressibility_sigma_per_gpa)
    assert phase.compressibility_sigma_per_gpa < 0.001


def test_the_lines_of_a_phase_are_handed_on_at_each_of_its_points():
    _, survey = surveyed(sweep())
    sets = survey.grouping().phases[0].line_sets()
    assert [each.pressure_gpa for each in sets] == list(PRESSURES_GPA[4:])
    for each in sets:
        expected = [d * math.exp(-0.02 * each.pressure_gpa) for d in NEW]
        assert [line.d_angstrom for line in each.lines] == pytest.approx(expected)


def test_a_single_line_is_a_stray_and_no_phase():
    told, survey = surveyed(sweep(comes=99, extra=lambda index: lines((1.91,), PRESSURES_GPA[index])))
    assert not any(each.new for each in told)
    assert survey.grouping().phases == ()
    assert len(survey.grouping().strays) == 1


def test_a_line_that_does_not_move_with_a_phase_is_not_put_with_it():
    def still(index):
        return lines((1.91,), PRESSURES_GPA[index], compressibility=0.0) if index >= 4 else []

    _, survey = surveyed(sweep(extra=still))
    grouped = survey.grouping()
    assert [len(phase.tracks) for phase in grouped.phases] == [4]
    assert len(grouped.strays) == 1


def test_a_line_that_was_there_before_a_phase_is_not_put_with_it():
    _, survey = surveyed(sweep(extra=lambda index: lines((1.91,), PRESSURES_GPA[index])))
    grouped = survey.grouping()
    assert [len(phase.tracks) for phase in grouped.phases] == [4]
    assert len(grouped.strays) == 1


def test_a_weak_line_may_come_later_than_the_phase_it_is_of():
    def grows(index):
        return lines((1.91,), PRESSURES_GPA[index], significance=9.0) if index >= 5 else []

    _, survey = surveyed(sweep(extra=grows))
    assert [len(phase.tracks) for phase in survey.grouping().phases] == [5]


def excused(found):
    return [dataclasses.replace(line, unknown=False) for line in found]


def test_a_line_that_a_known_phase_may_have_made_is_put_with_the_phase_that_it_comes_and_moves_with():
    def own(index):
        return excused(lines((1.91,), PRESSURES_GPA[index])) if index >= 4 else []

    _, survey = surveyed(sweep(extra=own))
    assert [len(phase.tracks) for phase in survey.grouping().phases] == [5]


@pytest.mark.parametrize(("comes", "compressibility"), [(0, 0.02), (4, 0.001)])
def test_a_line_that_a_known_phase_may_have_made_is_left_where_it_comes_or_moves_unlike_a_phase(comes, compressibility):
    def other(index):
        return excused(lines((1.91,), PRESSURES_GPA[index], compressibility=compressibility)) if index >= comes else []

    _, survey = surveyed(sweep(extra=other))
    assert [len(phase.tracks) for phase in survey.grouping().phases] == [4]
    assert survey.grouping().strays == ()


def test_lines_that_a_known_phase_may_have_made_tell_of_no_unknown_one():
    told, survey = surveyed(sweep(comes=99, extra=lambda index: excused(lines(NEW, PRESSURES_GPA[index]))))
    assert not any(each.new for each in told)
    assert survey.grouping().phases == ()


@pytest.mark.parametrize(("d_angstrom", "put"), [(0.97, 5), (2.97, 4)])
def test_a_line_three_times_as_wide_is_one_of_a_phase_at_high_angles_only(d_angstrom, put):
    def wide(index):
        return lines((d_angstrom,), PRESSURES_GPA[index], fwhm_deg=0.24) if index >= 4 else []

    _, survey = surveyed(sweep(extra=wide))
    assert [len(phase.tracks) for phase in survey.grouping().phases] == [put]


def test_the_points_at_which_a_line_was_taken_for_its_neighbour_are_left_out():
    places = tuple(range(4, 10))
    rows = [lines((*NEW, 1.95 if place == 4 else 1.91), PRESSURES_GPA[place]) for place in places]
    tracks = [
        LineTrack(
            number=number,
            places=places,
            lines=tuple(row[number] for row in rows),
            pressures_gpa=tuple(PRESSURES_GPA[place] for place in places),
            temperatures_k=(298.0,) * len(places),
        )
        for number in range(len(NEW) + 1)
    ]
    points = {place: point(place + 1, PRESSURES_GPA[place], row) for place, row in zip(places, rows, strict=True)}
    found = grouping(tracks, points)
    assert found.strays == ()
    assert {track.number: track.places for track in found.phases[0].tracks}[len(NEW)] == places[1:]


def test_two_phases_that_come_at_different_points_are_two():
    def other(index):
        return lines(OTHER, PRESSURES_GPA[index], compressibility=0.03) if index >= 7 else []

    told, survey = surveyed(sweep(extra=other))
    assert (told[4].new, told[7].new) == (("unknown 1",), ("unknown 2",))
    assert [(each.name, each.first.number, len(each.tracks)) for each in survey.grouping().phases] == [
        ("unknown 1", 5, 4),
        ("unknown 2", 8, 6),
    ]


def test_a_phase_of_which_a_point_shows_nothing_is_still_the_same():
    told, survey = surveyed(sweep(without=(6,)))
    assert [each.new for each in told if each.new] == [("unknown 1",)]
    assert [len(phase.tracks) for phase in survey.grouping().phases] == [4]


def test_lines_that_a_known_phase_made_before_are_no_new_phase_where_it_is_not_recognised():
    def lost(found):
        return dataclasses.replace(found, phase="", hkl=None, unknown=True) if found.phase else found

    points = sweep(comes=99)
    points[6] = dataclasses.replace(points[6], lines=tuple(lost(line) for line in points[6].lines))
    told, survey = surveyed(points)
    assert not any(each.new for each in told)
    assert survey.grouping().phases == ()


def test_a_line_of_a_known_phase_that_has_gone_does_not_go_on_as_one_of_a_new_phase():
    # Soft as caesium: where it would be two points later, a line of the new phase lies
    def caesium(index):
        return lines((3.35,), PRESSURES_GPA[index], compressibility=0.07, phase="cs-bcc") if index < 3 else []

    _, survey = surveyed(sweep(extra=caesium))
    [phase] = survey.grouping().phases
    assert [track.places for track in phase.tracks] == [tuple(range(4, 10))] * 4


def test_lines_are_followed_through_heating_at_one_pressure():
    points = [
        point(index + 1, 2.0, lines(NEW, 2.0, temperature_k=298.0 + 20.0 * index), temperature_k=298.0 + 20.0 * index)
        for index in range(8)
    ]
    _, survey = surveyed(points)
    assert [len(track.places) for track in survey.tracks] == [8] * 4
    assert math.isnan(survey.grouping().phases[0].compressibility_per_gpa)


def test_what_is_said_at_a_point_rests_on_nothing_that_comes_later():
    whole, _ = surveyed(sweep())
    for many in range(1, len(PRESSURES_GPA)):
        part, _ = surveyed(sweep()[:many])
        assert part == whole[:many]


def test_a_survey_that_forgets_tells_the_same_and_keeps_no_more_than_it_was_told_to():
    kept = RECENT_POINTS + 5
    points = [
        point(
            index + 1,
            pressure,
            [
                *lines(GASKET, pressure, compressibility=0.001, phase="re-hcp"),
                *(lines(OTHER, pressure) if 5 <= index < 15 else []),  # gone, and forgotten, before the next comes
                *(lines(NEW, pressure) if index >= kept + 20 else []),
            ],
        )
        for index, pressure in enumerate(0.4 + 0.02 * index for index in range(2 * kept))
    ]
    whole, forgetful = Survey(), Survey(remembered_points=kept)
    for each in points:
        told, expected = forgetful.take(each), whole.take(each)
        assert (told.new, [phase.name for phase in told.phases]) == (
            expected.new,
            [phase.name for phase in expected.phases],
        )
        assert str(told.change) == str(expected.change)
    assert "unknown 2" in [phase.name for phase in told.phases]
    assert max(len(track.places) for track in forgetful.tracks) == kept
    assert {track.places[0] for track in forgetful.tracks} == {kept, kept + 20}
    assert len(forgetful.changes) < len(whole.changes)


def test_compression_is_taken_from_the_points_at_the_temperature_that_most_have():
    points = sweep(comes=0)
    hot = [
        point(11 + index, 3.1, lines(NEW, 3.1, temperature_k=kelvin), temperature_k=kelvin)
        for index, kelvin in enumerate((348.0, 398.0, 448.0, 498.0))
    ]
    _, survey = surveyed([*points, *hot])
    phase = survey.grouping().phases[0]
    assert phase.compressibility_per_gpa == pytest.approx(0.02, abs=0.001)
    assert len(phase.points) == len(PRESSURES_GPA) + 4
