"""Uploads are read from disk as they are sent."""

import tracemalloc
from pathlib import Path

import pytest

from wordai_jobs.client import FileChanged
from wordai_jobs.client.multipart import MultipartFile


def test_a_large_file_is_never_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    with open(path, "wb") as sparse:
        sparse.truncate(256 * 1024 * 1024)
    with open(path, "rb") as file:
        body = MultipartFile(file, path.name)
        tracemalloc.start()
        total = 0
        while block := body.read(16384):
            total += len(block)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert total == len(body) and peak < 1024 * 1024


def test_a_file_that_is_cut_off_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "shrinks.pdf"
    path.write_bytes(b"x" * 200_000)
    with open(path, "rb") as file:
        body = MultipartFile(file, path.name)
        assert body.read().startswith(b"--") and len(body.read()) == 65536
        path.write_bytes(b"")
        with pytest.raises(FileChanged):
            body.read()
