"""The engine of a fleet: workers on any number of machines render the pages of all jobs.

Celery distributes, MongoDB is the truth. A message may be lost, late or doubled without harm:
each task first reads its job, and each write is one conditional update.
"""

from wordai_jobs.errors import StartError

try:
    import celery  # noqa: F401
except ImportError as error:
    raise StartError(
        "jobs.engine celery needs the package celery: pip install 'wordai-jobs[cluster]'"
    ) from error
