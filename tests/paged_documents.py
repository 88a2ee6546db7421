"""The same run with its events packed into pages, as event-model allows."""

from itertools import groupby


def paged(documents):
    """Documents with each row of events of one stream and the same fields packed into a page."""

    def alike(pair):
        name, doc = pair
        return (name, doc["descriptor"], *sorted(doc["data"])) if name == "event" else (name, id(doc))

    for (name, *_), pairs in groupby(documents, key=alike):
        docs = [doc for _, doc in pairs]
        if name == "event":
            yield "event_page", page(docs)
        else:
            yield from ((name, doc) for doc in docs)


def page(events):
    """One page of events of one stream; by event-model's layout, and without its demand that nothing is missing."""
    data, timestamps = ([event.get(part, {}) for event in events] for part in ("data", "timestamps"))
    return {
        "descriptor": events[0]["descriptor"],
        "uid": [event.get("uid", "") for event in events],
        "time": [event.get("time", 0.0) for event in events],
        "seq_num": [event.get("seq_num", number) for number, event in enumerate(events, start=1)],
        "data": {field: [row[field] for row in data] for field in data[0]},
        "timestamps": {field: [row[field] for row in timestamps] for field in timestamps[0]},
        "filled": {},
    }
