"""Closing the HTTP server from another thread than its own."""

import threading

from waitress.server import create_server

from wordai_jobs.http_server import close


def test_a_thread_that_is_late_with_its_answer_may_still_wake_the_loop() -> None:
    http = create_server(lambda environ, start_response: [], host="127.0.0.1", port=0)
    loop = threading.Thread(target=http.run)
    loop.start()
    close(http)
    loop.join(30)
    assert not loop.is_alive()
    http.pull_trigger()
    http.trigger.close()
