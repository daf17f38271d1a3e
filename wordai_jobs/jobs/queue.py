"""The waiting line: users take turns, so that one user's many jobs do not keep another's one
waiting.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator

from wordai_jobs.jobs.live import LiveJob


class FairQueue:
    """Round robin over users, first come first served within one. Not thread-safe: its owner holds
    a lock.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[LiveJob]] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def __iter__(self) -> Iterator[LiveJob]:
        """In the order in which they would be taken."""
        lines = [list(line) for line in self._lines.values()]
        for turn in range(max((len(line) for line in lines), default=0)):
            yield from (line[turn] for line in lines if turn < len(line))

    def put(self, live: LiveJob) -> None:
        self._lines.setdefault(live.job.user_id, deque()).append(live)

    def take(self) -> LiveJob | None:
        """The next job, or None where nothing waits. Its user's other jobs go to the end of the
        line.
        """
        if not self._lines:
            return None
        user_id, line = self._lines.popitem(last=False)
        live = line.popleft()
        if line:
            self._lines[user_id] = line
        return live

    def remove(self, job_id: str) -> LiveJob | None:
        """Take one job out of the line, or None where it does not wait."""
        for user_id, line in self._lines.items():
            for live in line:
                if live.job.job_id == job_id:
                    line.remove(live)
                    if not line:
                        del self._lines[user_id]
                    return live
        return None
