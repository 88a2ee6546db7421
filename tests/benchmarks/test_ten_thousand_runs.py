"""What is asked of ten thousand runs takes no longer than of a hundred: embedded, in PostgreSQL, by a server.

A run of thirty points is catalogued as always, and multiplied in the databases: through Tiled it would take hours.
"""

import asyncio
import contextlib
import resource
import subprocess
import sys
import time

import psutil
import pytest
from catalogued_runs import caught_up, full_uid, key
from catalogued_runs import record as record_run
from postgresql_cluster import NO_POSTGRESQL, cluster, free_port
from served_catalog import serving
from sqlalchemy import MetaData, func, insert, select
from tiled.server.connection_pool import create_async_engine
from tiled.utils import ensure_specified_sql_driver

from lics_beamline.catalog.birth import database, tables
from lics_beamline.catalog.place import KEYS_VARIABLE, set_catalog_place
from lics_beamline.catalog.store import open_catalog
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.codec import Encoder

FEW, MANY = 100, 10_000
POINTS = 30
SAMPLES = 100  # kinds of sample; a hundredth of the runs is of each
ROUNDS = 5
FIRST_DATASET = 1000  # number of the rows of a copied run in the table that runs share; of the first run it is smaller
BATCH = 500  # runs added at a time
LARGEST_RATIO = 4.0  # of many against few, where the answer is as long
FIRST_TIME = 1.6e9
BETWEEN_S = 3600.0  # a run begins every hour


def start(number):
    return {
        "uid": full_uid(number),
        "time": FIRST_TIME + BETWEEN_S * number,
        "purpose": "sweep",
        "sample": {"name": f"sample-{number % SAMPLES}"},
        "plan_name": "sweep",
    }


def run(number):
    """All documents of a run."""
    uid, about = full_uid(number), start(number)
    yield "start", about
    keys = {f"field_{index}": key("number") for index in range(20)}
    rest = {"configuration": {}, "hints": {}, "object_keys": {}, "time": about["time"]}
    yield "descriptor", {"uid": f"{uid}-d", "run_start": uid, "name": "primary", "data_keys": keys, **rest}
    for point in range(POINTS):
        data = {name: point + index / 8 for index, name in enumerate(keys)}
        body = {"time": about["time"] + point, "seq_num": point + 1, "data": data, "filled": {}}
        stamps = dict.fromkeys(data, about["time"] + point)
        yield "event", {"uid": f"{uid}-{point}", "descriptor": f"{uid}-d", "timestamps": stamps, **body}
    yield "stop", {"uid": f"{uid}-s", "run_start": uid, "time": about["time"] + 60.0, "exit_status": "success"}


async def multiply(index_uri, tables_uri, numbers):
    """Add copies of the first run to a catalog, each with its own start document."""
    engine = create_async_engine(ensure_specified_sql_driver(index_uri))
    rows_engine = engine if tables_uri == index_uri else create_async_engine(ensure_specified_sql_driver(tables_uri))
    index, rows = MetaData(), MetaData()
    async with engine.begin() as catalog:
        await catalog.run_sync(index.reflect)
        nodes, sources = index.tables["nodes"], index.tables["data_sources"]
        links = index.tables["data_source_asset_association"]

        async def found(table, condition):
            return [dict(row) for row in (await catalog.execute(select(table).where(condition))).mappings()]

        family = generation = await found(nodes, nodes.c.key == full_uid(0))
        while generation:
            generation = await found(nodes, nodes.c.parent.in_([each["id"] for each in generation]))
            family = family + generation
        ids = [each["id"] for each in family]
        kept = await found(sources, sources.c.node_id.in_(ids))
        linked = await found(links, links.c.data_source_id.in_([each["id"] for each in kept]))
        node = (await catalog.execute(select(func.max(nodes.c.id)))).scalar() + 1
        source = (await catalog.execute(select(func.max(sources.c.id)))).scalar() + 1
        new_rows = []
        for first in range(0, len(numbers), BATCH):
            new_nodes, new_sources, new_links = [], [], []
            for number in numbers[first : first + BATCH]:
                to = {old: node + step for step, old in enumerate(ids)}
                node += len(ids)
                for each in family:
                    copy = each | {"id": to[each["id"]], "parent": to.get(each["parent"], each["parent"])}
                    if each is family[0]:
                        stop = each["metadata"]["stop"] | {
                            "run_start": full_uid(number),
                            "uid": f"{full_uid(number)}-s",
                        }
                        copy |= {"key": full_uid(number), "metadata": {"start": start(number), "stop": stop}}
                    new_nodes.append(copy)
                for each in kept:
                    was = each["parameters"]
                    about = was | {"dataset_id": FIRST_DATASET + number}
                    new_sources.append(each | {"id": source, "node_id": to[each["node_id"]], "parameters": about})
                    new_links += [
                        link | {"data_source_id": source} for link in linked if link["data_source_id"] == each["id"]
                    ]
                    new_rows.append(
                        (each["parameters"]["table_name"], each["parameters"]["dataset_id"], FIRST_DATASET + number)
                    )
                    source += 1
            await catalog.execute(insert(nodes), new_nodes)
            await catalog.execute(insert(sources), new_sources)
            await catalog.execute(insert(links), new_links)
    async with rows_engine.begin() as connection:
        await connection.run_sync(rows.reflect)
        (name, old) = {(name, old) for name, old, _ in new_rows}.pop()
        table = rows.tables[name]
        held = (await connection.execute(select(table).where(table.c._dataset_id == old))).mappings().all()
        for first in range(0, len(new_rows), BATCH):
            copies = [
                {**row, "_dataset_id": number} for _, _, number in new_rows[first : first + BATCH] for row in held
            ]
            await connection.execute(insert(table), copies)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ANALYZE")  # as PostgreSQL does by itself, some time after rows were added
    await engine.dispose()
    if rows_engine is not engine:
        await rows_engine.dispose()


def used_s(server=None):
    """Processor that this process, what it has waited for, and a server have used [s]."""
    children, times = resource.getrusage(resource.RUSAGE_CHILDREN), server.cpu_times() if server else None
    served = times.user + times.system if times else 0.0
    return time.process_time() + children.ru_utime + children.ru_stime + served


def processor_s(act, server=None):
    """Processor that a question takes [s], the mean of some rounds: a busy computer makes it wait, not work."""
    act()
    before = used_s(server)
    for _ in range(ROUNDS):
        act()
    return (used_s(server) - before) / ROUNDS


def asked(data, count, server=None):
    """What each question takes, whose answer is as long whatever the number of runs [s of processor]."""
    since = FIRST_TIME + BETWEEN_S * (count // 2 - 1)
    number = count // 2
    with open_catalog(data) as catalog:
        assert len(catalog.client.v3) == count
        assert catalog.client.v3.values().last().metadata["start"]["uid"] == full_uid(count - 1)
        sample = f"sample-{number % SAMPLES}"
        assert catalog.search(sample=sample, since=since, until=since + 10 * BETWEEN_S) == [full_uid(number)]
        assert len(catalog.dataset(full_uid(number), "primary")["field_3"]) == POINTS
        return {
            name: processor_s(act, server)
            for name, act in {
                "last_s": lambda: catalog.client.v3.values().last(),
                "search_s": lambda: catalog.search(sample=sample, since=since, until=since + 10 * BETWEEN_S),
                "open_s": lambda: catalog.run(full_uid(number)),
                "table_s": lambda: catalog.dataset(full_uid(number), "primary"),
            }.items()
        }


@contextlib.contextmanager
def kept(kind, data, keys):
    """Let a data folder have its catalog in files, in PostgreSQL, or there by a server: URIs of it, and the server."""
    with contextlib.ExitStack() as stack:
        if kind == "embedded":
            yield database(data), tables(data), None
            return
        uri = stack.enter_context(cluster())
        if kind == "postgresql":
            set_catalog_place(data, uri)
            yield uri, uri, None
            return
        stack.enter_context(pytest.MonkeyPatch.context()).setenv(KEYS_VARIABLE, str(keys))
        port = free_port()
        set_catalog_place(data, f"http://127.0.0.1:{port}")
        server = stack.enter_context(serving(data, port, database=uri, folder=data.root / "server"))
        yield uri, uri, psutil.Process(server.pid)


@pytest.mark.parametrize(
    "kind", ["embedded", *(pytest.param(kind, marks=NO_POSTGRESQL) for kind in ("postgresql", "served"))]
)
def test_nothing_takes_longer_among_ten_thousand_runs_than_among_a_hundred(kind, tmp_path, record):
    data = DataFolder(tmp_path / "data").make()
    times = {}
    with kept(kind, data, tmp_path / "keys") as (index_uri, tables_uri, server):
        record_run(data.raw_journals, run(0))
        assert caught_up(data) == {}
        for before, count in ((1, FEW), (FEW, MANY)):
            asyncio.run(multiply(index_uri, tables_uri, range(before, count)))
            times[count] = asked(data, count, server)
    record(**{f"{kind}_{count}_{name}": round(s, 4) for count in times for name, s in times[count].items()})
    for name, few_s in times[FEW].items():
        assert times[MANY][name] < LARGEST_RATIO * few_s, (name, few_s, times[MANY][name])


def test_the_first_page_of_ten_thousand_journals_takes_little_longer_than_that_of_a_hundred(tmp_path, record):
    pages, encoder = {}, Encoder()
    for count in (FEW, MANY):
        data = DataFolder(tmp_path / str(count)).make()
        for number in range(count):
            lines = b"".join(encoder.line(name, doc) for name, doc in run(number))
            (data.raw_journals / f"{full_uid(number)}.jsonl").write_bytes(lines)
        command = [sys.executable, "-m", "lics_beamline", "runs", "--data", str(data.root)]
        before = used_s()
        subprocess.run(command, check=True, capture_output=True)
        first_s = used_s() - before
        pages[count] = processor_s(lambda command=command: subprocess.run(command, check=True, capture_output=True))
        record(**{f"runs_{count}_s": round(pages[count], 3), f"runs_{count}_first_look_s": round(first_s, 3)})
    assert pages[MANY] < LARGEST_RATIO * pages[FEW]
