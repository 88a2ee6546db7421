"""Pairs of lines with one maximum, drawn with the noise of counting: said of, and said of no other."""

import numpy as np
import pytest

from lics_beamline.lines.peaks import find_peaks
from lics_beamline.lines.unresolved_pairs import on_flanks, pair_reach_deg
from lics_beamline.patterns.pattern import Pattern

X = np.arange(4.0, 24.0, 0.01)
LINES = ((6.0, 800.0), (8.0, 500.0), (10.0, 900.0), (14.0, 600.0), (17.0, 700.0), (20.0, 400.0))


def drawn(lines, *, seed=1, fwhm=lambda angle: 0.06 + 0.001 * angle):
    mean = np.full_like(X, 200.0)
    for angle, height in lines:
        place = (X - angle) / (0.5 * fwhm(angle))
        mean += height * (0.4 / (1.0 + place**2) + 0.6 * np.exp(-np.log(2.0) * place**2))
    counts = np.random.default_rng(seed).poisson(60.0 * mean) / 60.0
    return Pattern(two_theta_deg=X, intensity=counts, sigma=np.sqrt(mean / 60.0), wavelength_angstrom=0.4137)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("apart", "share"), [(0.36, 1.0), (0.5, 1.0), (0.36, 0.5)])
def test_a_pair_with_one_maximum_is_said_and_how_far_its_lines_may_lie(apart, share, seed):
    gap = apart * 0.072
    peaks = find_peaks(drawn((*LINES, (12.0, 800.0), (12.0 + gap, 800.0 * share)), seed=seed))
    reaches = pair_reach_deg(peaks)
    here = [number for number, peak in enumerate(peaks) if abs(peak.two_theta_deg - 12.0) < 0.25]
    wide = max(here, key=lambda number: peaks[number].height)
    off = abs(peaks[wide].two_theta_deg - 12.0)  # of the stronger
    assert off > 5.0 * peaks[wide].two_theta_sigma_deg  # or nothing need be said
    assert off < 1.3 * reaches[wide] < 1.3 * gap
    doubted = [number for number, flank in enumerate(on_flanks(peaks, reaches)) if reaches[number] or flank]
    assert doubted == here
    assert len(peaks) - len(doubted) == len(LINES)


@pytest.mark.parametrize("seed", range(8))
def test_lines_as_wide_as_those_beside_them_are_not_said_to_be_two(seed):
    places = 5.0 + 18.0 * np.sort(np.random.default_rng(seed).uniform(size=10))
    lines = tuple((float(place), 300.0 + 60.0 * number) for number, place in enumerate(places))
    apart = [line for line in lines if all(other is line or abs(other[0] - line[0]) > 0.3 for other in lines)]
    peaks = find_peaks(drawn(apart, seed=seed))
    assert len(peaks) == len(apart)
    assert not any(pair_reach_deg(peaks))


def test_few_lines_tell_no_usual_width():
    peaks = find_peaks(drawn(((8.0, 900.0), (12.0, 900.0), (12.03, 900.0))))
    assert pair_reach_deg(peaks) == (0.0, 0.0)
