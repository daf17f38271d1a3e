"""What one server of a fleet at a time does every other second. Whose turn it is, the database
decides, so nothing depends on one of them.

Several may do it at once: each step is a conditional update, or changes nothing if it is repeated.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from wordai_jobs import logs
from wordai_jobs.config import JobsSettings
from wordai_jobs.database.fleet import UnfinishedJob
from wordai_jobs.jobs.celery.fleet import Fleet
from wordai_jobs.jobs.celery.messages import BrokerAway
from wordai_jobs.jobs.housekeeping import Chore, attempt
from wordai_jobs.jobs.outcome import abort_error
from wordai_jobs.model.job import ErrorClass, Job, JobError, job_timeout
from wordai_jobs.model.work import FIRST_TASKS, Work, stretches

_CLOCK_INTERVAL_S = 30
# A round reads all unfinished jobs: if each of hundreds of servers did that, the database would
# have little time for anything else.
_ROUND_PAUSE = timedelta(seconds=2)
# A marker that has not arrived by then may be lost.
_MARKER_PATIENCE = timedelta(seconds=8)
# A task records every second that it is at work, unless the database is away.
_UNTOUCHED = timedelta(seconds=8)
# How many jobs are handled in one go; the others follow the next time.
_BATCH = 500

_INCOMPLETE = JobError("The job's record is incomplete", ErrorClass.OTHER)

logger = logging.getLogger(__name__)


class Lookout:
    """Publishes again what is lost, and ends jobs that nobody else ends.

    A message that waits in a long queue is not lost. To tell the difference, a marker is published
    every few seconds: when it arrives, every message before it has arrived too.
    """

    def __init__(self, fleet: Fleet, settings: JobsSettings) -> None:
        self._database = fleet.database
        self._storage = fleet.storage
        self._messages = fleet.messages
        self._clock = fleet.clock
        self._ending = fleet.ending
        self._timeout_s = settings.timeout_s
        self._at_once = settings.workers
        self.chores: Sequence[Chore] = [
            Chore("clock", _CLOCK_INTERVAL_S, self._clock.compare, _CLOCK_INTERVAL_S),
            Chore("lookout", _ROUND_PAUSE.total_seconds(), self.look_out),
        ]

    def look_out(self) -> None:
        """Take every step, if it is time and no other server does."""
        if not self._database.lookout.claim_round(self._clock.now(), _ROUND_PAUSE):
            return
        attempt("incomplete batches", self._complete_batches)
        attempt("unfinished jobs", self._look_at_unfinished)
        attempt("late pages", self._look_again)

    def _look_at_unfinished(self) -> None:
        """Take the steps for which unfinished jobs are read: all of them, once."""
        unfinished = self._database.fleet.unfinished_in_brief()
        for name, step in (
            ("marker", self._publish_marker),
            ("turns", self._give_turns),
            ("jobs of other engines", self._adopt),
            # These may wait for the object store.
            ("overdue jobs", self._fail_overdue),
            ("failing jobs", self._finish_failures),
        ):
            attempt(name, step, unfinished)

    def new_work(self, job: Job, unfinished_of_user: int) -> Work:
        """The work on a new job. It waits if its user has so many unfinished jobs that it is not
        its turn; else the caller publishes its first tasks.
        """
        now, waits = self._clock.now(), unfinished_of_user >= self._at_once
        return Work(
            total_pages=job.total_pages,
            deadline=now + timedelta(seconds=self._timeout_s),
            touched_at=now,
            waits=waits,
            published=0 if waits else FIRST_TASKS,
        )

    def publish_first_tasks(self, job_id: str, total_pages: int) -> None:
        """Raises BrokerAway; then they are published later."""
        for task in stretches(total_pages, 0, FIRST_TASKS):
            self._messages.render_pages(job_id, task, self._clock.now())

    def _give_turns(self, unfinished: Sequence[UnfinishedJob]) -> None:
        running = Counter(job.user_id for job in unfinished if job.runs)
        for user_id in {job.user_id for job in unfinished if job.waits}:
            if running[user_id] < self._at_once:
                attempt("turns of a user", self.give_turn, user_id)

    def give_turn(self, user_id: str) -> None:
        """Begin with the user's next jobs, as far as not too many of the user's jobs run."""
        jobs = self._database.fleet.turns_of_user(user_id, 2 * self._at_once)
        free = self._at_once - sum(not job.waits for job in jobs)
        for job in islice((job for job in jobs if job.waits), max(0, free)):
            if not self._database.fleet.take_turn(job.job_id, FIRST_TASKS, self._clock.now()):
                continue
            try:
                self.publish_first_tasks(job.job_id, job.total_pages)
            except BrokerAway:
                logger.debug("the tasks of job %s will be published later", job.job_id)

    def _publish_marker(self, unfinished: Sequence[UnfinishedJob]) -> None:
        """Publish a marker if there are jobs that it could be for, and no other is under way."""
        now = self._clock.now()
        since = now - _UNTOUCHED
        is_wanted = any(
            job.is_untouched(since) and not job.waits and not job.is_failing for job in unfinished
        )
        if is_wanted and self._database.lookout.claim_marker(now, _MARKER_PATIENCE):
            try:
                self._messages.find_lost_work(now)
            except BrokerAway:
                logger.debug("the marker will be published when the broker is back")

    def find_lost_work(self, published_at: datetime) -> None:
        """A marker has arrived: publish again what was published before it and is not done."""
        self._database.lookout.marker_arrived(published_at)
        before = min(published_at, self._clock.now() - _UNTOUCHED)
        lost = self._database.fleet.untouched_ids(before, _BATCH)
        _each(lost, lambda job_id: self._publish_missing(job_id, before))

    def _publish_missing(self, job_id: str, before: datetime) -> None:
        found = self._database.fleet.find_with_pages(job_id)
        if found is None or found.work is None:
            return
        work, now = found.work, self._clock.now()
        missing = list(work.missing())
        new = 0 if missing else FIRST_TASKS
        if not self._database.fleet.claim(job_id, before, now, new):
            return
        tasks = missing or list(work.stretches(work.published, work.published + new))
        logger.info("job %s: publishing again what is missing, %d tasks", job_id, len(tasks))
        for task in tasks:
            self._messages.render_pages(job_id, task, now)
        if not tasks:
            self._messages.create_chapter(job_id, now)

    def _fail_overdue(self, unfinished: Sequence[UnfinishedJob]) -> None:
        now = self._clock.now()
        overdue = [job.job_id for job in unfinished if job.is_overdue(now) and not job.is_failing]
        if overdue:
            error = abort_error(job_timeout(self._timeout_s), self._storage)
            _each(overdue, lambda job_id: self._ending.fail(job_id, error))

    def _finish_failures(self, unfinished: Sequence[UnfinishedJob]) -> None:
        """End jobs whose server has died while it ended them."""
        since = self._clock.now() - _UNTOUCHED

        def finish(job_id: str) -> None:
            job = self._database.fleet.find(job_id)
            if job and not job.status.has_ended:
                self._ending.finish(job)

        _each(
            (job.job_id for job in unfinished if job.is_failing and job.is_untouched(since)), finish
        )

    def _look_again(self) -> None:
        """Remove what was stored for failed jobs while they failed."""
        late = self._database.fleet.to_look_at_again(self._clock.now(), _BATCH)
        by_id = {job.job_id: job for job in late}

        def remove(job_id: str) -> None:
            if self._ending.remove_pages(by_id[job_id]):
                self._database.fleet.looked_at_again(job_id)

        _each(by_id, remove)

    def _complete_batches(self) -> None:
        """Record what is missing of requests for several jobs that were cut off."""
        jobs = self._database.fleet
        incomplete = jobs.incomplete_batches(self._clock.now() - _UNTOUCHED)
        _each((first.job_id for first in incomplete), jobs.complete_batch)

    def _adopt(self, unfinished: Sequence[UnfinishedJob]) -> None:
        """Take over jobs that another engine, or another program, has recorded."""

        def adopt(job_id: str) -> None:
            job = self._database.fleet.find(job_id)
            if job and job.chapter_id and job.total_pages:
                self._database.fleet.adopt(job, self.new_work(job, 0))
            else:
                self._ending.fail(job_id, _INCOMPLETE)

        _each((job.job_id for job in unfinished if job.deadline is None), adopt)


def _each(job_ids: Iterable[str], do: Callable[[str], None]) -> None:
    """A job that meets an error does not stop the others; it is tried again the next time."""
    for job_id in islice(job_ids, _BATCH):
        with logs.about_job(job_id):
            attempt(f"a look at job {job_id}", do, job_id)
