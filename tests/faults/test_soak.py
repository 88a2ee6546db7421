"""A short soak: who lives long keeps handles and memory; ``python -m tests.faults.soak`` is the long one."""

from faults.soak import MOST_MORE_HANDLES, recording

FIRST, LAST = 40, 80
MOST_GROWTH_PERCENT = 10.0  # so early the last libraries are still being loaded


def test_a_recorder_with_live_results_and_its_reducer_keep_handles_threads_and_memory(tmp_path):
    changes = {change.process: change for change in recording(LAST, FIRST, tmp_path, which=("reduce",)).changes()}
    assert set(changes) == {"recorder", "reduce"}
    for change in changes.values():
        assert change.last.handles - change.first.handles <= MOST_MORE_HANDLES
        assert change.last.threads <= change.first.threads + 1
        assert change.growth_percent < MOST_GROWTH_PERCENT
