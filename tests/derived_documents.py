"""The small reduced run as whole documents, which a journal takes."""

import reduced_documents


def reduction(points, *, uid="d-0123456789", raw_uid="raw-0123", began=1.7e9, **changed):
    """Documents of the reduction of a raw run."""
    for name, doc in reduced_documents.documents(points):
        if name == "start":
            yield name, doc | {"uid": uid, "raw_uid": raw_uid, "time": began} | changed
        elif name == "descriptor":
            yield name, doc | {"uid": f"{uid}-s", "run_start": uid, "time": began, "data_keys": {}}
        else:
            index = doc["data"]["point_index"]
            yield (
                name,
                {
                    "uid": f"{uid}-{index}",
                    "descriptor": f"{uid}-s",
                    "seq_num": index + 1,
                    "time": began,
                    "data": doc["data"],
                    "timestamps": {},
                    "filled": {},
                },
            )
