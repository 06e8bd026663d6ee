"""Confines a process that works on hostile data: takes away everything that it doesn't need.

Two independent fences: resource limits (POSIX), and on Linux a seccomp filter that leaves
computing, memory and the files that are open already. No file, no socket, no process, no signal:
data that takes over a parser can only use up its seconds and return a wrong result.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import resource
import struct
import sys
from dataclasses import dataclass
from typing import Final

_STANDARD_STREAMS: Final = 3
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2

_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""``AUDIT_ARCH_X86_64`` and ``AUDIT_ARCH_AARCH64`` of linux/audit.h."""
_ALLOWED: Final = (  # name, number on x86_64, number on aarch64 (asm/unistd.h)
    ("read", 0, 63),
    ("write", 1, 64),
    ("close", 3, 57),
    ("fstat", 5, 80),
    ("lseek", 8, 62),
    ("pread64", 17, 67),
    ("mmap", 9, 222),
    ("mprotect", 10, 226),
    ("munmap", 11, 215),
    ("brk", 12, 214),
    ("mremap", 25, 216),
    ("madvise", 28, 233),
    ("rt_sigaction", 13, 134),
    ("rt_sigprocmask", 14, 135),
    ("rt_sigreturn", 15, 139),
    ("sigaltstack", 131, 132),
    ("sched_yield", 24, 124),
    ("getpid", 39, 172),
    ("gettid", 186, 178),
    ("futex", 202, 98),
    ("clock_gettime", 228, 113),
    ("getrandom", 318, 278),
    ("exit", 60, 93),
    ("exit_group", 231, 94),
)
_INSTRUCTION: Final = struct.Struct("=HBBI")
_LOAD_WORD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # struct seccomp_data
_ALLOW: Final = 0x7FFF0000
_DENY: Final = 0x00050000 | errno.EPERM


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The limits of a confined process, in bytes and seconds of computing.

    ``file_size`` is that of a file which is open for writing already.
    """

    address_space: int
    cpu_seconds: int
    file_size: int = 0


def confine_this_process(fence: Fence) -> bool:
    """Give it all up, for good. Return whether the seccomp filter is in force, too."""
    for what, limit in (
        (resource.RLIMIT_AS, fence.address_space),
        (resource.RLIMIT_CPU, fence.cpu_seconds),
        (resource.RLIMIT_FSIZE, fence.file_size),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, _STANDARD_STREAMS),
    ):
        resource.setrlimit(what, (limit, limit))
    return _filter_system_calls()


def _filter_system_calls() -> bool:
    """Install the filter; return False if the system has none (another kernel or architecture)."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _ARCHITECTURES:
        return False
    code = _filter_code(machine)
    program = _Program(len(code) // _INSTRUCTION.size, code)
    prctl = ctypes.CDLL(None).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _filter_code(machine: str) -> bytes:
    """Return the BPF program: allow ``_ALLOWED`` in this machine's numbers, and deny all else."""
    allowed = [x86_64 if machine == "x86_64" else aarch64 for _, x86_64, aarch64 in _ALLOWED]
    count = len(allowed)
    lines = [
        (_LOAD_WORD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _DENY),
        (_LOAD_WORD, 0, 0, _NUMBER_AT),
        *((_JUMP_IF_EQUAL, count - place, 0, call) for place, call in enumerate(allowed)),
        (_RETURN, 0, 0, _DENY),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(_INSTRUCTION.pack(*line) for line in lines)
