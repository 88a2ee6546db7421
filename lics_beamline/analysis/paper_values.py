"""Numbers and claims printed by S. Desgreniers, J. S. Tse, T. Matsuoka, Y. Ohishi and J. J. Tse.

Science Advances 1, e1500669 (2015), doi 10.1126/sciadv.1500669.
"""

from __future__ import annotations

from typing import Final

COLD_K, HOT_K = 298.0, 498.0  # temperatures the paper states
PRINTED_CELLS: Final = (  # temperature [K], pressure [GPa], a, its standard deviation [angstrom]
    (COLD_K, 3.0, 3.585, 0.009),  # Results
    (COLD_K, 4.8, 3.53, 0.01),  # Discussion, read from Fig. 3 by the authors: a digit
    (COLD_K, 8.0, 3.489, 0.003),  # Results
    (HOT_K, 5.0, 3.572, 0.003),  # Fig. 5, model B
)
PRINTED_EXPANSION: Final = ((3.0, 1.7e-4), (8.0, 1.1e-4))  # GPa, 1/K, called linear; Results
PRINTED_HEATING: Final = (8.0, 9.6)  # GPa before and after heating from 298 to 498 K; Results
PRINTED_RWP: Final = (0.171, 0.0918)  # models A and B; Fig. 5
PRINTED_OCCUPANCY: Final = 0.7  # of lithium, "about"; Results
RIETVELD_AT: Final = (HOT_K, 5.0)  # Fig. 5
DENSITY_AT: Final = (COLD_K, 8.0)  # Fig. 4
LITHIUM_B: Final = (1.5, 3.0, 5.0)  # A^2: least, likely, most at 298 K; engineering values, the paper prints none
PRINTED_ONSET_GPA: Final = 3.0  # "starting at ~3 GPa", 298 K; Results
PRINTED_WHOLE_GPA: Final = 4.0  # a much simpler pattern by then; Results
PRINTED_KEPT_GPA: Final = 1.9  # lowest pressure at 498 K with the alloy; Results

NOT_RECOVERABLE: Final = (
    "Lithium about 1.7 A wide. If the width is meant at the 3.25 e/A^3 contour of Fig. 4, a sphere of that size holds "
    "8.4 electrons (4/3 pi 0.85^3 A^3 x 3.25 e/A^3), more than twice what lithium has. Not claimed.",
    "An oxidation state of -1 of lithium and charge transfer from Cs to Li. Moving an electron changes |F| by at most "
    "0.12 %, and in 100 only: below the error of every ring here. Not claimed, and not excluded.",
    "Dissociation back to solid Li and Cs at 498 K. Cs is liquid there up to about 5 GPa (Jayaraman, Newton and "
    "McDonough, Phys. Rev. 159, 527 (1967)) and Li is near melting; what a pattern shows is the loss of the alloy's "
    "lines. Dissociation here means that loss.",
)
