"""The way in: `python wsgi.py` serves with waitress; `wsgi:application` is for another WSGI server,
with one process.

Importing this module starts nothing; asking it for `application` does.
"""

import atexit
from typing import Any

from wordai_jobs import logs
from wordai_jobs.config import load_config


def __getattr__(name: str) -> Any:
    if name != "application":
        raise AttributeError(name)
    from wordai_jobs.app import backend, create_app

    config = load_config()
    logs.configure(config.logging)
    app = create_app(config)
    backend(app).start()
    atexit.register(backend(app).stop, config.jobs.shutdown_grace_s)
    globals()[name] = app
    return app


if __name__ == "__main__":
    from wordai_jobs.server import main

    main()
