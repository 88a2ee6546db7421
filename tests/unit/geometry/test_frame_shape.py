import pytest

from lics_beamline.errors import ReductionFailed
from lics_beamline.geometry.frame_shape import check_shape


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ((487, 619), "transposed or turned by a quarter"),
        ((309, 243), "binned by 2"),
        ((154, 121), "binned by 4"),
        ((600, 487), "is cropped"),
        ((1679, 1475), "Give the geometry of this detector"),
    ],
)
def test_a_frame_of_another_shape_is_refused_with_what_became_of_it(shape, why):
    with pytest.raises(ReductionFailed, match=f"{shape[0]} x {shape[1]} pixels and the geometry 619 x 487.*{why}"):
        check_shape(shape, (619, 487))


def test_a_frame_of_the_shape_of_its_detector_is_taken():
    check_shape((619, 487), (619, 487))
