"""Takes the place of the image of MongoDB in tests, which have no registry of images.

It is the embedded database's program, which speaks the same protocol, in its own container. Its
first start creates the user that the variables of MongoDB's image name.
"""

import os
import subprocess
import time
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

DATA = Path("/data/db")
PROGRAM = ["secantusd-py", "--port", "27017", "--storage-path", "/data/db/files"]
OPTIONS = ["--sync-on-commit", "--standalone", "--log-level", "WARNING"]


def main() -> None:
    if not (DATA / "has-user").exists():
        create_user()
        (DATA / "has-user").touch()
    os.execvp(PROGRAM[0], [*PROGRAM, *OPTIONS, "--host", "0.0.0.0", "--auth"])


def create_user() -> None:
    password = Path(os.environ["MONGO_INITDB_ROOT_PASSWORD_FILE"]).read_text()
    process = subprocess.Popen([*PROGRAM, *OPTIONS, "--host", "127.0.0.1"])
    client = pymongo.MongoClient[dict[str, object]](serverSelectionTimeoutMS=250)
    while True:
        try:
            user = os.environ["MONGO_INITDB_ROOT_USERNAME"]
            client.admin.command("createUser", user, pwd=password, roles=["root"])
            break
        except PyMongoError:
            assert process.poll() is None
            time.sleep(0.1)
    process.kill()
    process.wait()


if __name__ == "__main__":
    main()
