"""The way in: `python wsgi.py` serves with waitress; `wsgi:application` is for another WSGI server, with one process.

Importing this module starts nothing; asking it for `application` does.
"""

import atexit
import sys
from typing import Any

from wordai_jobs import logs
from wordai_jobs.config import load_config
from wordai_jobs.errors import StartError


def main() -> None:
    """Serve with the configured settings; one line and exit code 1 where that cannot be."""
    from wordai_jobs.server import serve
    logs.configure()
    try:
        serve(load_config())
    except StartError as error:
        sys.exit(f"wordai_jobs: {error}")


def __getattr__(name: str) -> Any:
    if name != "application":
        raise AttributeError(name)
    from wordai_jobs.app import create_app, lifecycle
    logs.configure()
    config = load_config()
    app = create_app(config)
    lifecycle(app).start()
    atexit.register(lifecycle(app).stop, config.jobs.shutdown_grace_s)
    globals()[name] = app
    return app


if __name__ == "__main__":
    main()
