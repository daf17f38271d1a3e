"""Makes one job of requests that mean the same: a repeated Idempotency-Key, two clicks on retry."""

import time
from collections.abc import Callable

from wordai_jobs.clock import utc_now
from wordai_jobs.database.idempotency import KeyRecord, KeyRepository
from wordai_jobs.errors import Invalid
from wordai_jobs.model.job import Job

# The key is recorded before its job; whoever comes in between waits for the job. Where it does not
# come, its server died.
_JOB_APPEARS_WITHIN_S = 3.0
_CHECK_INTERVAL_S = 0.02


class Once:
    """Claims keys for jobs. The database decides who was first, so it holds between servers too."""

    def __init__(self, keys: KeyRepository, find_job: Callable[[str], Job | None]) -> None:
        self._keys = keys
        self._find_job = find_job

    def claim(
        self,
        job: Job,
        key: str,
        fingerprint: str,
        may_replace: Callable[[Job], bool] = lambda first: False,
    ) -> tuple[KeyRecord, Job | None]:
        """Claim `key` for `job`. Returns its record, and the job that it has made before, where
        there is one.

        `may_replace` says of that earlier job whether the new one may take its place. Raises
        Invalid where the key was used for something else, and DatabaseError.
        """
        record = KeyRecord(job.user_id, key, fingerprint, job.job_id, utc_now())
        while not self._keys.insert(record):
            taken = self._keys.find(job.user_id, key)
            if taken is None:
                continue  # its request failed and has freed it just now
            if taken.fingerprint != fingerprint:
                raise Invalid("Idempotency-Key: this key was used with different fields")
            first = self._wait_for(taken.job_id)
            if first and not may_replace(first):
                return taken, first
            if self._keys.replace(taken, job.job_id):
                break
        return record, None

    def release(self, record: KeyRecord) -> None:
        """The claimed job could not be made: let the next request with this key try."""
        self._keys.remove(record)

    def _wait_for(self, job_id: str) -> Job | None:
        deadline = time.monotonic() + _JOB_APPEARS_WITHIN_S
        while True:
            job = self._find_job(job_id)
            if job or time.monotonic() > deadline:
                return job
            time.sleep(_CHECK_INTERVAL_S)
