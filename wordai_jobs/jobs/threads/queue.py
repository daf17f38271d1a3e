"""The queue of jobs. Users take turns, so that the many jobs of one do not delay the others."""

from collections import OrderedDict, deque
from collections.abc import Iterator

from wordai_jobs.jobs.threads.live import LiveJob


class FairQueue:
    """Round robin over users; each user's jobs in the order in which they came. Not thread-safe."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[LiveJob]] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def __iter__(self) -> Iterator[LiveJob]:
        """The jobs in the order in which they would be taken."""
        lines = [list(line) for line in self._lines.values()]
        for turn in range(max((len(line) for line in lines), default=0)):
            yield from (line[turn] for line in lines if turn < len(line))

    def put(self, live: LiveJob) -> None:
        self._lines.setdefault(live.job.user_id, deque()).append(live)

    def take(self) -> LiveJob | None:
        """Take out the next job, None if no job waits. Its user is then last in turn."""
        if not self._lines:
            return None
        user_id, line = self._lines.popitem(last=False)
        live = line.popleft()
        if line:
            self._lines[user_id] = line
        return live

    def remove(self, job_id: str) -> LiveJob | None:
        """Take out this job, None if it does not wait."""
        for user_id, line in self._lines.items():
            for live in line:
                if live.job.job_id == job_id:
                    line.remove(live)
                    if not line:
                        del self._lines[user_id]
                    return live
        return None
