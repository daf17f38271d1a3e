"""The waiting line: users take turns, so that one user's many jobs do not keep another's one
waiting.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator

from wordai_jobs.jobs.running import RunningJob


class FairQueue:
    """Round robin over users, first come first served within one. Not thread-safe: its owner holds
    a lock.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[RunningJob]] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def __iter__(self) -> Iterator[RunningJob]:
        """In the order in which they would be taken."""
        lines = [list(line) for line in self._lines.values()]
        for turn in range(max((len(line) for line in lines), default=0)):
            yield from (line[turn] for line in lines if turn < len(line))

    def put(self, running: RunningJob) -> None:
        self._lines.setdefault(running.job.user_id, deque()).append(running)

    def take(self) -> RunningJob | None:
        """The next job, or None where nothing waits. Its user's other jobs go to the end of the
        line.
        """
        if not self._lines:
            return None
        user_id, line = self._lines.popitem(last=False)
        running = line.popleft()
        if line:
            self._lines[user_id] = line
        return running

    def remove(self, job_id: str) -> RunningJob | None:
        """Take one job out of the line, or None where it does not wait."""
        for user_id, line in self._lines.items():
            for running in line:
                if running.job.job_id == job_id:
                    line.remove(running)
                    if not line:
                        del self._lines[user_id]
                    return running
        return None
