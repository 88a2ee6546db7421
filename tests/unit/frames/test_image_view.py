"""A frame in blocks has the means that each block has by itself."""

import numpy as np
import pytest

from lics_beamline.frames.image_view import MOST_VIEW_PX, block_means, view_of


def by_itself(shape, edge, of_block):
    rows, columns = (range(0, side, edge) for side in shape)
    return np.array([[of_block(np.s_[row : row + edge, column : column + edge]) for column in columns] for row in rows])


@pytest.mark.parametrize("kind", [np.int32, np.float32])
@pytest.mark.parametrize("shape", [(2400, 12), (2401, 11), (7, 3001)])
def test_each_block_has_the_mean_of_its_used_pixels_or_of_all_where_none_is_used(kind, shape):
    generator = np.random.default_rng(7)
    counts = generator.integers(0, 1000, shape).astype(kind)
    used = generator.random(shape) > 0.3
    used[:5, :5] = False
    if kind is np.float32:
        counts[0, 0] = np.nan
        used[0, 0] = False
    angles = generator.random(shape)
    view = view_of(counts, used, angles)
    edge = view.block_px
    assert edge == -(-max(shape) // MOST_VIEW_PX) >= 3

    def mean(block):
        chosen = counts[block][used[block]] if used[block].any() else counts[block][np.isfinite(counts[block])]
        return float(np.mean(chosen, dtype=np.float64)) if chosen.size else np.nan

    assert view.counts == pytest.approx(by_itself(shape, edge, mean), nan_ok=True)
    assert np.array_equal(view.masked, by_itself(shape, edge, lambda block: not used[block].any()))
    assert view.two_theta_deg == pytest.approx(by_itself(shape, edge, lambda block: angles[block].mean()))
    again = view_of(counts, used, block_means(angles))
    assert np.array_equal(again.two_theta_deg, view.two_theta_deg)
