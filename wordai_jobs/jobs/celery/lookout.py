"""What one server of a fleet at a time does every other second. Whose turn it is, the database
decides, so nothing depends on one of them.

Several may do it at once: each step is a conditional update, or changes nothing if it is repeated.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from wordai_jobs import logs
from wordai_jobs.config import JobsSettings
from wordai_jobs.errors import DatabaseError, StorageError
from wordai_jobs.jobs.celery.fleet import Fleet
from wordai_jobs.jobs.celery.messages import BrokerAway
from wordai_jobs.jobs.housekeeping import Chore
from wordai_jobs.jobs.outcome import abort_error
from wordai_jobs.model.job import ErrorClass, Job, JobError, job_timeout
from wordai_jobs.model.work import FIRST_TASKS, Work

_CLOCK_INTERVAL_S = 30
# A round reads the unfinished jobs a few times: if each of hundreds of servers did that, the
# database would have little time for anything else.
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
        self._steps = [
            Chore(name, 0, do)
            for name, do in (
                ("marker", self.publish_marker),
                ("turns", self.give_turns),
                ("incomplete batches", self.complete_batches),
                ("jobs of other engines", self.adopt),
                # These may wait for the object store.
                ("overdue jobs", self.fail_overdue),
                ("failing jobs", self.finish_failures),
                ("late pages", self.look_again),
            )
        ]

    def look_out(self) -> None:
        """Take every step, if it is time and no other server does."""
        if self._database.lookout.claim_round(self._clock.now(), _ROUND_PAUSE):
            for step in self._steps:
                step.do_if_due()

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

    def publish_first_tasks(self, job: Job, work: Work) -> None:
        """Raises BrokerAway; then they are published later."""
        for task in work.stretches(0, work.published):
            self._messages.render_pages(job.job_id, task, self._clock.now())

    def give_turns(self) -> None:
        for user_id in self._database.fleet.users_who_wait():
            self.give_turn(user_id)

    def give_turn(self, user_id: str) -> None:
        """Begin with the user's next jobs, as far as not too many of the user's jobs run."""
        free = self._at_once - self._database.fleet.count_begun_of(user_id)
        for _ in range(free):
            found = self._database.fleet.take_turn(user_id, FIRST_TASKS, self._clock.now())
            if found is None or found.work is None:
                return
            try:
                self.publish_first_tasks(found.job, found.work)
            except BrokerAway:
                logger.debug("the tasks of job %s will be published later", found.job.job_id)

    def publish_marker(self) -> None:
        """Publish a marker if there are jobs that it could be for, and no other is under way."""
        now = self._clock.now()
        if not self._database.fleet.untouched(now - _UNTOUCHED, limit=1):
            return
        if self._database.lookout.claim_marker(now, _MARKER_PATIENCE):
            try:
                self._messages.find_lost_work(now)
            except BrokerAway:
                logger.debug("the marker will be published when the broker is back")

    def find_lost_work(self, published_at: datetime) -> None:
        """A marker has arrived: publish again what was published before it and is not done."""
        self._database.lookout.marker_arrived(published_at)
        before = min(published_at, self._clock.now() - _UNTOUCHED)
        lost = self._database.fleet.untouched(before, _BATCH)
        _each(lost, lambda job: self._publish_missing(job.job_id, before))

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

    def fail_overdue(self) -> None:
        overdue = self._database.fleet.overdue(self._clock.now(), _BATCH)
        if overdue:
            error = abort_error(job_timeout(self._timeout_s), self._storage)
            _each(overdue, lambda job: self._ending.fail(job.job_id, error))

    def finish_failures(self) -> None:
        """End jobs whose server has died while it ended them."""
        left = self._database.fleet.left_failing(self._clock.now() - _UNTOUCHED, _BATCH)
        _each(left, self._ending.finish)

    def look_again(self) -> None:
        """Remove what was stored for failed jobs while they failed."""
        _each(self._database.fleet.to_look_at_again(self._clock.now(), _BATCH), self._look_again)

    def _look_again(self, job: Job) -> None:
        if self._ending.remove_pages(job):
            self._database.fleet.looked_at_again(job.job_id)

    def complete_batches(self) -> None:
        """Record what is missing of requests for several jobs that were cut off."""
        jobs = self._database.fleet
        incomplete = jobs.incomplete_batches(self._clock.now() - _UNTOUCHED)
        _each(incomplete, lambda first: jobs.complete_batch(first.job_id))

    def adopt(self) -> None:
        """Take over jobs that another engine, or another program, has recorded."""
        _each(self._database.fleet.of_other_engines(_BATCH), self._adopt)

    def _adopt(self, job: Job) -> None:
        if job.chapter_id and job.total_pages:
            self._database.fleet.adopt(job, self.new_work(job, 0))
        else:
            self._ending.fail(job.job_id, _INCOMPLETE)


def _each(jobs: Iterable[Job], do: Callable[[Job], None]) -> None:
    """A job that meets an error does not stop the others; it is tried again the next time."""
    for job in jobs:
        with logs.about_job(job.job_id):
            try:
                do(job)
            except (DatabaseError, StorageError) as error:
                logger.warning("job %s will be tried again: %s", job.job_id, error.message)
