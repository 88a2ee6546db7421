"""A catalog that others read too: filled from the journals, read by those who may, down and back again."""

import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest
from catalogued_runs import caught_up, contents, frame, full_uid, raw_run, record, record_all, same
from postgresql_cluster import HAS_POSTGRESQL, NO_POSTGRESQL, cluster, free_port
from served_catalog import serving

from lics_beamline.catalog.place import KEYS_VARIABLE, key_path, set_catalog_place
from lics_beamline.catalog.store import open_catalog
from lics_beamline.cli import main
from lics_beamline.errors import ProfileError

pytestmark = pytest.mark.timeout(900)  # for hangs only: two servers are started


@pytest.fixture(scope="module")
def postgresql():
    """The URI of an empty database of a PostgreSQL that is started for it."""
    with cluster() as uri:
        yield uri


@pytest.mark.nightly
def test_a_server_has_what_the_journals_have_for_those_who_may_read_it(request, tmp_path, monkeypatch, capsys):
    database = request.getfixturevalue("postgresql") if HAS_POSTGRESQL else ""  # where there is none, SQLite
    monkeypatch.setenv(KEYS_VARIABLE, str(tmp_path / "keys"))
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "profiles"))
    data = record_all(tmp_path / "data", raw=(1, 2), derived=(1,))
    embedded = record_all(tmp_path / "embedded", raw=(1, 2), derived=(1,))
    assert caught_up(embedded) == {}
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    set_catalog_place(data, uri)
    assert main(["verify", "--data", str(data.root)]) == 4
    assert f"{uri} does not answer" in capsys.readouterr().out
    assert set(caught_up(data)) == {full_uid(1), full_uid(2), full_uid(101)}
    with serving(data, port, database=database, folder=tmp_path / "server") as server:
        assert caught_up(data) == {}
        assert same(contents(data), contents(embedded))
        with open_catalog(data) as catalog:
            np.testing.assert_array_equal(catalog.image(full_uid(2), 1), frame(2, 1))
            assert catalog.search(sample="sample-2", since=1001.5) == [full_uid(2)]
        main(["verify", "--data", str(data.root)])
        assert uri not in capsys.readouterr().out
        writing = key_path(uri)
        key = writing.read_text().strip()
        assert writing.stat().st_mode & 0o777 == 0o600
        said = [Path(f"/proc/{server.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        said += [path.read_bytes() for path in (*data.root.rglob("*.jsonl"), tmp_path / "served.txt")]
        said += [path.read_bytes() for path in (tmp_path / "server").glob("*") if path.is_file()]
        assert not any(key.encode() in each for each in said)
        # A second group's runs are not theirs, nor may a reader write.
        for group in ("alkali", "oxides"):
            new = ["serve", "--data", str(data.root), "--folder", str(tmp_path / "server"), "--group", group]
            assert main([*new, "--new-key", str(tmp_path / group)]) == 0
        capsys.readouterr()
        for group, theirs in (("alkali", {full_uid(1), full_uid(101)}), ("oxides", {full_uid(2)})):
            shutil.copy2(tmp_path / group, writing)
            with open_catalog(data) as catalog:
                assert set(catalog.uids) == theirs
                for uid in theirs:
                    assert len(catalog.dataset(uid, "primary")["seq_num"]) > 0
        with open_catalog(data) as catalog:
            np.testing.assert_array_equal(catalog.image(full_uid(2), 1), frame(2, 1))
        reader = {"Authorization": f"Apikey {(tmp_path / 'alkali').read_text().strip()}"}
        for path in (full_uid(2), f"{full_uid(2)}/primary"):
            assert httpx.get(f"{uri}/api/v1/metadata/{path}", headers=reader).status_code == 404
        assert httpx.get(f"{uri}/api/v1/metadata/{full_uid(1)}", headers=reader).status_code == 200
        assert httpx.get(f"{uri}/api/v1/metadata/").status_code == 401
        assert "<html" in httpx.get(f"{uri}/ui/").text
        record(data.raw_journals, raw_run(data, 3))
        troubles = caught_up(data)
        assert set(troubles) == {full_uid(1), full_uid(3), full_uid(101)}
        assert all(ProfileError.__name__ in each and "may only read" in each for each in troubles.values())
        writing.write_text(key)
        main(["verify", "--data", str(data.root)])
        assert f"run {full_uid(3)[:8]}: {uri}: the catalog does not have this run" in capsys.readouterr().out
    with serving(data, port, database=database, folder=tmp_path / "server"):
        assert caught_up(data) == {}
        with open_catalog(data) as catalog:
            assert full_uid(3) in catalog.uids


@NO_POSTGRESQL
@pytest.mark.long
def test_a_catalog_in_postgresql_without_a_server_has_what_the_journals_have(postgresql, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "profiles"))
    data = record_all(tmp_path / "data", raw=(4, 5), derived=())
    embedded = record_all(tmp_path / "embedded", raw=(4, 5), derived=())
    set_catalog_place(data, postgresql)
    assert caught_up(data) == {}
    assert caught_up(embedded) == {}
    assert same(contents(data, only=[full_uid(4), full_uid(5)]), contents(embedded))
    record(data.raw_journals, raw_run(data, 6), kept=2)  # cut off before the first row of its first stream
    assert caught_up(data) == {}
    assert main(["verify", "--data", str(data.root)]) == 0
    assert "all is as it was recorded" in capsys.readouterr().out
