"""The list of lines: how long it takes, how that grows with the bins, and what it finds of lines that were drawn.

Run apart: ``python -m pytest -s tests/benchmarks/test_line_list.py``. Times are of the processor, one thread.
"""

import statistics
import time

from worlds.drawn_patterns import draw, peaks_of, score

PATTERNS = 24
SCORED = 200
FIRST_SEED = 700_000  # seeds that no test and no choice of a constant has seen
LARGEST_GROWTH = 8.0  # from 2000 bins to 8000: lines are as many, bins four times
LEAST_FOUND = 0.97
LEAST_SEEN_FOUND = 0.985
LEAST_TOLD_FOUND = 0.985
LARGEST_FALSE = 0.005


def middle_ms(bins):
    drawings = [draw(7000 + k, bins=bins) for k in range(PATTERNS)]
    peaks_of(drawings[0].pattern)
    times = []
    for drawing in drawings:
        started = time.process_time()
        peaks_of(drawing.pattern)
        times.append(1e3 * (time.process_time() - started))
    return statistics.median(times)


def test_the_time_of_a_list_grows_with_the_bins_and_little_more(record):
    few, many = middle_ms(2000), middle_ms(8000)
    record(of_2000_bins_ms=round(few, 1), of_8000_bins_ms=round(many, 1), growth=round(many / few, 2))
    assert many < LARGEST_GROWTH * few


def test_nearly_all_drawn_lines_are_listed_and_nearly_nothing_else(record):
    found = score([draw(FIRST_SEED + k) for k in range(SCORED)], peaks_of)
    print(f"\n{found}")  # noqa: T201  what a benchmark is for
    record(
        found=round(found.found / found.sure, 4),
        seen_found=round(found.seen_found / found.seen, 4),
        told_found=round(found.told_found / found.told, 4),
        expected=round(found.expected / found.sure, 4),
        missed=sum(found.missed.values()),
        missed_else=found.missed["else"],
        false=round(found.false / found.listed, 4),
    )
    assert found.found >= LEAST_FOUND * found.sure
    assert found.seen_found >= LEAST_SEEN_FOUND * found.seen
    assert found.told_found >= LEAST_TOLD_FOUND * found.told
    assert found.false <= LARGEST_FALSE * found.listed
