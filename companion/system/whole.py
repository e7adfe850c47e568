"""Files that a command makes: whole or not at all, and never over what it reads.

Whether they can be there is found out before the work. They are written beside their place, and
put there at the end by a rename, which costs no room and cannot stop half way. Whatever ends the
work earlier, an error or who asked it to end, leaves everything as it was.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from companion.system.errors import CompanionError, disk_message

_PREFIX = ".companion-"  # of what is being written; the final name may leave no room for more


class Put(Protocol):
    """Gives a file its content."""

    def __call__(self, content: bytes) -> None:
        """Write it, the whole of it; CompanionError if the disk fails."""
        ...


def check_different(reads: Iterable[Path], writes: Iterable[Path]) -> None:
    """CompanionError where a file would be written over one that is read, or over another."""
    files = [*reads]
    for path in writes:
        if any(_same(path, other) for other in files):
            names = ", ".join(str(each) for each in (*files, path))
            raise CompanionError(
                f"{names} are not all different; valid: a file of its own for each that is read "
                "or written"
            )
        files.append(path)


def check_folder(folder: Path) -> None:
    """CompanionError where nothing could be put into a folder, which need not be there yet."""
    whole = folder.absolute()
    there = next(each for each in (whole, *whole.parents) if os.path.lexists(each))
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise CompanionError(disk_message(folder, error)) from error


@contextmanager
def new_file(path: Path, size_bytes: int) -> Iterator[Put]:
    """A file that stands at its place, over an older one, when the context ends well.

    Args:
        path: where; a link is followed.
        size_bytes: how much room to take at once, so that it is there when the work is done.

    Raises:
        CompanionError: it cannot be made, or the room is not there.
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        kind = "a folder" if place.is_dir() else "no file on a disk"
        raise CompanionError(f"cannot write {str(path)!r} (it is {kind}); valid: a file's name")
    with _named(path):
        number, name = tempfile.mkstemp(prefix=_PREFIX, dir=place.parent)
    try:
        with open(number, "r+b", buffering=0) as file:
            with _named(path):
                _take_room(file.fileno(), size_bytes)

            def put(content: bytes) -> None:
                with _named(path):
                    left = memoryview(content)
                    while left:
                        left = left[file.write(left) :]
                    file.truncate()

            yield put
        with _named(path):
            os.chmod(name, _mode_of(place))
            os.replace(name, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


@contextmanager
def new_folder(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """An empty folder to write into, whose files stand in `folder` when the context ends well.

    Args:
        folder: made, with those above it, if it is not there; what is in it stays.
        names: of the files that are going to be written.

    Raises:
        CompanionError: it cannot be made or written, or a file is there already.
    """
    _check_free(folder, names)
    with ExitStack() as undo:
        with _named(folder):
            for missing in [each for each in (folder, *folder.parents) if not each.is_dir()][::-1]:
                missing.mkdir()
                undo.callback(_try, missing.rmdir)
            made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
            undo.callback(shutil.rmtree, made, ignore_errors=True)
            yield made
            written = sorted(file.name for file in made.iterdir())
            _check_free(folder, written)
            for name in written:
                undo.callback(_try, (folder / name).unlink)
                (made / name).rename(folder / name)
        undo.pop_all()
        shutil.rmtree(made, ignore_errors=True)


def _check_free(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        if os.path.lexists(folder / name):
            raise CompanionError(f"{str(folder / name)!r} is there already; valid: an empty folder")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What the disk says is said of the file that was asked for."""
    try:
        yield
    except OSError as error:
        raise CompanionError(disk_message(path, error)) from error


def _try(undoing: Callable[[], object]) -> None:
    with suppress(OSError):
        undoing()


def _same(one: Path, other: Path) -> bool:
    """Whether two names are one file: by links, or where a disk knows no case."""
    with suppress(OSError):
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)


def _take_room(descriptor: int, size_bytes: int) -> None:
    if not size_bytes or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # the disk knows no such thing
            raise


def _mode_of(place: Path) -> int:
    """As the file that is there has it, else as a new file gets it."""
    with suppress(OSError):
        return place.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
