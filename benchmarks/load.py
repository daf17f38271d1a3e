"""Sends each request as soon as the last one is answered, over N keep-alive connections.

`python -m benchmarks.load PORT PATH N SECONDS HEADERS` prints responses per second, and fails if
one is not a 200. It uses one thread and non-blocking sockets, because a usual client would need
more of the machine than the server.
"""

import json
import selectors
import socket
import sys
import time

_HEAD_END = b"\r\n\r\n"


def responses_per_second(port: int, request: bytes, connections: int, seconds: float) -> float:
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        opened = socket.create_connection(("127.0.0.1", port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.sendall(request)
        selector.register(opened, selectors.EVENT_READ, bytearray())
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for key, _ in selector.select(timeout=1):
            assert isinstance(key.fileobj, socket.socket)
            connection, received = key.fileobj, key.data
            received += connection.recv(65536)
            if _is_whole(received):
                assert received.startswith(b"HTTP/1.1 200 "), bytes(received[:200])
                count += 1
                received.clear()
                connection.sendall(request)
    return count / (time.perf_counter() - started)


def _is_whole(received: bytearray) -> bool:
    head, separator, body = received.partition(_HEAD_END)
    if not separator:
        return False
    _, _, rest = head.lower().partition(b"content-length:")
    return len(body) >= int(rest.partition(b"\r\n")[0])


def main(port: int, path: str, connections: int, seconds: float, headers: dict[str, str]) -> None:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    responses_per_second(port, request, connections, 0.5)
    print(responses_per_second(port, request, connections, seconds))


if __name__ == "__main__":
    main(
        int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), json.loads(sys.argv[5])
    )
