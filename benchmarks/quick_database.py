"""The embedded database's program, without what makes it slow where MongoDB is not.

For `findAndModify` it finds a document, and then changes the one with that `_id` if the condition
still holds. For the second step it reads the whole collection.

This file is a program of its own. It imports SecantusDB, whose licence is GPL-2.0-only, so it has
another licence than the rest (SPDX-License-Identifier: MIT).
"""

from typing import Any

from secantus.cli import main
from secantus.storage import Storage

_by_index = Storage._try_index_id_keys


def _by_id(storage: Storage, db: str, coll: str, filter: dict[str, Any], **options: Any) -> Any:
    if "_id" in filter and "$and" in filter:
        filter = {"_id": filter["_id"]}
    return _by_index(storage, db, coll, filter, **options)


if __name__ == "__main__":
    Storage._try_index_id_keys = _by_id
    main()
