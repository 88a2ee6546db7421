"""What is known of a cell after a sweep, and when it is not."""

import recorded_documents as recorded

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal
from lics_beamline.session.left_cell import as_left


def folder(tmp_path, **start):
    data = DataFolder(tmp_path).make()
    with Journal(data.raw_journals) as journal:
        for name, doc in recorded.documents(**start):
            journal(name, doc)
    return data


def test_a_sweep_leaves_the_cell_where_its_last_reading_was(tmp_path):
    found = as_left(folder(tmp_path), sample="Li-Cs", load_bar=10.2)
    assert (found.pressure_gpa, found.load_bar, found.temperature_k) == (1.0, 10.0, 298.2)


def test_nothing_is_known_of_a_cell_that_has_been_opened_or_changed_since(tmp_path):
    data = folder(tmp_path)
    assert as_left(data, sample="NaCl", load_bar=10.0) is None
    assert as_left(data, sample="Li-Cs", load_bar=0.0) is None
    assert as_left(data, sample="Li-Cs", load_bar=25.0) is None
    assert as_left(DataFolder(tmp_path / "new"), sample="Li-Cs", load_bar=10.0) is None


def test_a_journal_that_ends_in_the_middle_of_a_line_tells_all_the_same(tmp_path):
    data = folder(tmp_path)
    (journal,) = data.raw_journals.glob("*.jsonl")
    journal.write_bytes(journal.read_bytes() + b'["event",{"data":{"pressure_gpa":7')
    assert as_left(data, sample="Li-Cs", load_bar=10.0).pressure_gpa == 1.0


def test_of_a_journal_whose_beginning_is_damaged_nothing_is_known_and_that_is_said(tmp_path, caplog):
    data = folder(tmp_path)
    (journal,) = data.raw_journals.glob("*.jsonl")
    journal.write_bytes(b"[" + journal.read_bytes()[5:])
    assert as_left(data, sample="Li-Cs", load_bar=10.0) is None
    assert "is not known" in caplog.text
