"""Closing the HTTP server from another thread than its own."""

import threading

import pytest
from waitress.server import create_server

from wordai_jobs.server import close


def test_closing_goes_well_where_the_loop_is_woken_by_somebody_else_first(monkeypatch: pytest.MonkeyPatch) -> None:
    http = create_server(lambda environ, start_response: [], host="127.0.0.1", port=0)
    loop = threading.Thread(target=http.run)
    loop.start()
    pull = http.trigger._physical_pull

    def pull_once_more_when_all_is_closed() -> None:
        pull()
        loop.join(30)
        pull()

    monkeypatch.setattr(http.trigger, "_physical_pull", pull_once_more_when_all_is_closed)
    close(http)
    assert not loop.is_alive()
