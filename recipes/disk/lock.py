"""Locks between processes. The system frees those of a process that ends, however it ends: no lock is ever stale."""

import contextlib
import errno
import os
import socket
import stat
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

_PAUSE = 0.02
# Descriptors of the locks of this process. A forked child, such as one that loads data, inherits them and closes them:
# a lock is free only when no process has it open, and a child may outlive a parent that is killed.
_HELD: set[int] = set()
_BYTE = 2**30  # locked on Windows, where a locked byte cannot be read: behind the text of the file


class LockedError(FileExistsError):
    """A living process holds the lock."""


@contextlib.contextmanager
def locked(file: Path, purpose: str, patience: float = 1.0):
    """Hold the lock that `file` stands for during the work; the file is removed afterwards.

    Args:
        file: Lock file, made where it does not exist. One that a dead process has left is no obstacle.
        purpose: What the lock is about, and perhaps what to do; ends the message "the process 1234 is working on ...".
        patience: Seconds to wait for a process that holds it for a moment only.

    Raises:
        LockedError: If another process, or another thread, goes on holding it; the message says which one.
        OSError: If the file cannot be written, or is a link or no regular file.
    """
    descriptor = _acquire(file, purpose, patience)
    _HELD.add(descriptor)
    try:
        yield
    finally:
        if descriptor in _HELD:  # else this is a child
            _HELD.remove(descriptor)
            _remove(file)
            os.close(descriptor)
            if os.name == "nt":  # where an open file cannot be removed
                _remove(file)


def _close_held() -> None:
    while _HELD:
        os.close(_HELD.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_held)


def _acquire(file: Path, purpose: str, patience: float) -> int:
    deadline = time.monotonic() + patience
    while True:
        # The file is written to, and a folder from a stranger may hold a link in its place.
        if os.path.lexists(file) and not stat.S_ISREG(os.lstat(file).st_mode):
            raise OSError(errno.EINVAL, f"the lock {file.name} is no regular file")
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            free = _try_lock(descriptor)
            if free and _is_at(descriptor, file):
                os.truncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())
                return descriptor
            holder = os.read(descriptor, 300).decode(errors="replace").split()
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not free and time.monotonic() > deadline:
            raise LockedError(f"{_described(holder)} is working on {purpose}")
        if not free:
            time.sleep(_PAUSE)


def _try_lock(descriptor: int) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.lseek(descriptor, _BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
    except (BlockingIOError, PermissionError):
        os.lseek(descriptor, 0, os.SEEK_SET)
        return False
    return True


def _is_at(descriptor: int, file: Path) -> bool:
    """Whether `file` is still the one that was opened: its last holder may have removed it before it freed the lock."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(file))
    except FileNotFoundError:
        return False


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink()


def _described(holder: list[str]) -> str:
    if not holder or not holder[0].isdigit():
        return "another process"
    process, host = holder[0], " ".join(holder[1:])
    if host and host != socket.gethostname():
        return f"the process {process} on {host}"
    return "this very process" if process == str(os.getpid()) else f"the process {process}"
