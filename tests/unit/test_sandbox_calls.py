"""The numbers of system calls in the sandbox's tables, compared with those of libseccomp."""

import ctypes

import pytest

from tests.support.tools import missing
from wordai_jobs.rendering import sandbox

ARCHITECTURES = {"x86-64": 0xC000003E, "arm64": 0xC00000B7}
NUMBERS = {
    **sandbox._ALLOWED,
    **sandbox._ABOUT_PATHS,
    **{name: numbers for name, (numbers, *_) in sandbox._ALLOWED_IF.items()},
    "tgkill": sandbox._TGKILL,
}


@pytest.mark.parametrize("column", [0, 1], ids=ARCHITECTURES)
def test_every_call_has_the_number_that_libseccomp_knows(column: int) -> None:
    try:
        resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name_arch
    except OSError:
        missing("libseccomp (Debian: apt install libseccomp2)")
    architecture = list(ARCHITECTURES.values())[column]
    known = {name: resolve(ctypes.c_uint32(architecture), name.encode()) for name in NUMBERS}
    # Those that the architecture does not have are below zero.
    expected = {name: number if number >= 0 else None for name, number in known.items()}
    assert {name: numbers[column] for name, numbers in NUMBERS.items()} == expected
