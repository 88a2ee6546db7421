"""Published structures, for rings that gemmi calculates; B values are rounded, volumes of elements are usual ones."""

from dataclasses import dataclass

from worlds.drawn_rings import drawn_rings


@dataclass(frozen=True)
class PublishedStructure:
    """Edges [angstrom]; element, place, occupancy and B [angstrom^2] of sites; volumes of elements [angstrom^3]."""

    space_group: str
    edges: tuple
    sites: tuple
    atomic_angstrom3: dict

    @property
    def atoms(self):
        """Elements and places of the asymmetric unit."""
        return [(element, place) for element, place, *_ in self.sites]

    def rings(self, **options):
        """Rings as a fit of its pattern would give them."""
        return drawn_rings(self.space_group, self.edges, self.sites, **options)


# R. W. G. Wyckoff, Crystal Structures 1 (Interscience, New York, 1963), chapters II and III
ROCK_SALT = PublishedStructure(
    "F m -3 m",
    (5.6406,) * 3,
    (("Cl", (0, 0, 0), 1.0, 1.3), ("Na", (0.5, 0.5, 0.5), 1.0, 1.5)),
    {"Cl": 25.0, "Na": 38.0},
)
CAESIUM_CHLORIDE = PublishedStructure(
    "P m -3 m",
    (4.123,) * 3,
    (("Cs", (0, 0, 0), 1.0, 1.9), ("Cl", (0.5, 0.5, 0.5), 1.0, 2.0)),
    {"Cs": 60.0, "Cl": 25.0},
)
ZINC_BLENDE = PublishedStructure(
    "F -4 3 m",
    (5.4093,) * 3,
    (("Zn", (0, 0, 0), 1.0, 0.9), ("S", (0.25, 0.25, 0.25), 1.0, 0.8)),
    {"Zn": 15.2, "S": 25.0},
)
# L. K. Liu, T. Takahashi and W. A. Bassett, J. Phys. Chem. Solids 31, 1345 (1970)
RHENIUM = PublishedStructure(
    "P 63/m m c", (2.761, 2.761, 4.458), (("Re", (1 / 3, 2 / 3, 0.25), 1.0, 0.3),), {"Re": 14.7}
)
# L. Levien, C. T. Prewitt and D. J. Weidner, Am. Mineral. 65, 920 (1980): quartz at 1 atm
QUARTZ = PublishedStructure(
    "P 32 2 1",
    (4.916, 4.916, 5.4054),
    (("Si", (0.4697, 0.0, 2 / 3), 1.0, 0.5), ("O", (0.4133, 0.2672, 0.7855), 1.0, 1.0)),
    {"Si": 12.0, "O": 14.0},
)
# K. Takemura, S. Minomura and O. Shimomura, Phys. Rev. Lett. 49, 1772 (1982), at 8 GPa
CAESIUM_IV = PublishedStructure(
    "I 41/a m d:2", (3.349, 3.349, 12.487), (("Cs", (0, 0.75, 0.125), 1.0, 2.0),), {"Cs": 35.0}
)
STRONTIUM_TITANATE = PublishedStructure(
    "P m -3 m",
    (3.905,) * 3,
    (("Sr", (0.5, 0.5, 0.5), 1.0, 0.6), ("Ti", (0, 0, 0), 1.0, 0.4), ("O", (0.5, 0, 0), 1.0, 0.7)),
    {"Sr": 34.0, "Ti": 17.0, "O": 12.0},
)
# S. C. Abrahams and J. L. Bernstein, J. Chem. Phys. 55, 3206 (1971)
RUTILE = PublishedStructure(
    "P 42/m n m",
    (4.5937, 4.5937, 2.9587),
    (("Ti", (0, 0, 0), 1.0, 0.4), ("O", (0.3048, 0.3048, 0), 1.0, 0.5)),
    {"Ti": 17.0, "O": 12.0},
)
# X. Liu and R. C. Liebermann, Phys. Chem. Miner. 20, 171 (1993)
PEROVSKITE = PublishedStructure(
    "P n m a",
    (5.4423, 7.6401, 5.3796),
    (
        ("Ca", (0.0355, 0.25, -0.0067), 1.0, 0.6),
        ("Ti", (0, 0, 0.5), 1.0, 0.4),
        ("O", (0.4837, 0.25, 0.0712), 1.0, 0.6),
        ("O", (0.2891, 0.0372, 0.7111), 1.0, 0.6),
    ),
    {"Ti": 13.0, "Ca": 17.0, "O": 11.0},
)
# Two elements that differ by one electron, at the places and edges of zinc blende: GaAs has 31 and 33
GALLIUM_ARSENIDE = PublishedStructure(
    "F -4 3 m",
    (5.6533,) * 3,
    (("Ga", (0, 0, 0), 1.0, 0.6), ("As", (0.25, 0.25, 0.25), 1.0, 0.6)),
    {"As": 21.5, "Ga": 19.6},
)
