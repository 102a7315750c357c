"""The heap of this process: what is free returns to the system, and new memory comes in small pages."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager

#: Linux's numbers, of prctl.h and mman.h.
_PR_SET_THP_DISABLE, _MADV_DONTNEED = 41, 4
_LARGE_PAGE = 2**21
#: So many free blocks of a large page may lie in the heap before its end is reached.
_MOST_BLOCKS = 64


def return_free_memory() -> None:
    """Returns freed heap memory to the system (malloc_trim), so the next allocation is a fresh one."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextmanager
def small_pages() -> Iterator[None]:
    """Within, no free memory is resident, and new memory comes in small pages.

    Large ones, which a worker's allocator asks for, are too coarse to count what a call takes. Linux only;
    elsewhere, all stays as it is.
    """
    return_free_memory()
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "prctl"):
        yield
        return
    libc.prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)
    try:
        _return_end_of_heap(libc)
        yield
    finally:
        libc.prctl(_PR_SET_THP_DISABLE, 0, 0, 0, 0)


def _return_end_of_heap(libc: ctypes.CDLL) -> None:
    """Returns what malloc_trim leaves where pages are large: all up to one of them at the heap's end.

    It is taken, which makes the heap grow, emptied, and given back to the allocator.
    """
    libc.malloc.restype = libc.sbrk.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    libc.sbrk.argtypes = [ctypes.c_ssize_t]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    end = libc.sbrk(0)
    taken: list[int] = []
    while len(taken) < _MOST_BLOCKS and libc.sbrk(0) == end:
        if not (block := libc.malloc(_LARGE_PAGE)):
            break
        taken.append(block)
        first = -(-block // mmap.PAGESIZE) * mmap.PAGESIZE
        length = (block + _LARGE_PAGE - first) // mmap.PAGESIZE * mmap.PAGESIZE
        libc.madvise(first, length, _MADV_DONTNEED)
    for block in taken:
        libc.free(block)
