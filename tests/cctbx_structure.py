"""Structure factors of CIF files by cctbx, as a program of its own: its libraries do not share a process with ours.

Reads JSON on standard input: reflections by file. Writes JSON: for each file the complex structure factors as pairs
[electrons], or null where cctbx finds no structure.
"""

import json
import sys

import iotbx.cif
from cctbx import miller
from cctbx.array_family import flex
from cctbx.xray.structure_factors import from_scatterers_direct


def factors(file, hkl):
    found = iotbx.cif.reader(file_path=file).build_crystal_structures()
    if len(found) != 1:
        return None
    (structure,) = found.values()
    for scatterer in structure.scatterers():
        scatterer.scattering_type = scatterer.element_symbol()  # the neutral atom, of a charged one too
    structure.scattering_type_registry(table="it1992")
    indices = flex.miller_index([tuple(each) for each in hkl])
    wanted = miller.set(structure.crystal_symmetry(), indices, anomalous_flag=True)
    f_calc = from_scatterers_direct(xray_structure=structure, miller_set=wanted).f_calc()
    return [[value.real, value.imag] for value in f_calc.data()]


def main():
    asked = json.load(sys.stdin)
    answers = {}
    for file, hkl in asked.items():
        try:
            answers[file] = factors(file, hkl)
        except Exception:  # what cctbx does not read is no answer
            answers[file] = None
    json.dump(answers, sys.stdout)


main()
