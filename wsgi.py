"""Runs the server: `python wsgi.py`.

There is no `application` for other WSGI servers: jobs run in the process that serves, and those
servers end it without giving jobs their time to finish.
"""

from wordai_jobs.server import main

if __name__ == "__main__":
    main()
