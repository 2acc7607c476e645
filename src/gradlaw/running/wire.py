"""What crosses between a run and its workers: data in MessagePack, never code.

A worker is in the hands of the target that it loaded, so nothing that it sends is trusted: its answers are read into
the types that a task promises, and what fits none of them is a crash of the target. A pickle would let the target call
any function in the process that judges it. A message is eight bytes of length, then as many bytes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args, get_type_hints

import msgspec
import numpy as np

from gradlaw_spec import DTYPES, SpecError
from gradlaw_spec.written import WrittenArray, array_of, written_array

LENGTH: Final = struct.Struct(">Q")
MOST: Final = 64 * 2**20
"""Bytes of one message."""


FAULT: Final = 0
"""A task gave no result, and why."""
WHOLE: Final = 1
"""The result of a task."""
PART: Final = 2
"""A cell that is finished, while the task goes on."""


class Malformed(Exception):
    """What the other side sent is no message of the promised type."""


def encoded(value: Any) -> bytes:
    """Write a value of dataclasses, arrays and plain data."""
    return msgspec.msgpack.encode(value, enc_hook=_written)


def decoded(content: bytes | msgspec.Raw, kind: Any) -> Any:
    """Read a value of this type; raise Malformed where it is none."""
    try:
        return msgspec.msgpack.decode(content, type=kind, dec_hook=_read)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise Malformed(str(error)) from None


def decoded_answer(content: bytes, kinds: Mapping[int, Any]) -> tuple[int, Any]:
    """Read an answer: which kind it is (`WHOLE`, `PART` or `FAULT`), and what it has."""
    kind, rest = decoded(content, tuple[int, msgspec.Raw])
    if kind not in kinds:
        raise Malformed(f"kind {kind}")
    return kind, decoded(rest, kinds[kind])


def encoded_call(name: str, arguments: tuple[Any, ...]) -> bytes:
    """Write the call of a task."""
    return encoded((name, tuple(map(encoded, arguments))))


def promised(task: Callable[..., Any]) -> Any:
    """Return the type of what a task gives where nothing is wrong: the first of its union."""
    return get_args(get_type_hints(task)["return"])[0]


def decoded_call(content: bytes, tasks: Mapping[str, Callable[..., Any]]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Read the call of a task: the function of that name, and its arguments of the types that it says."""
    name, written = decoded(content, tuple[str, tuple[bytes, ...]])
    task = tasks[name]
    hints = [hint for key, hint in get_type_hints(task).items() if key != "return"]
    return task, tuple(decoded(argument, hint) for argument, hint in zip(written, hints[1:], strict=True))


def write_message(descriptor: int, content: bytes) -> None:
    """Write one message; raise OSError where nobody reads."""
    rest = memoryview(LENGTH.pack(len(content)) + content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_message(descriptor: int) -> bytes | None:
    """Read one message; None where the other side is gone."""
    head = _read_bytes(descriptor, LENGTH.size)
    return None if head is None else _read_bytes(descriptor, LENGTH.unpack(head)[0])


def _read_bytes(descriptor: int, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        piece = os.read(descriptor, min(size - len(found), 2**20))
        if not piece:
            return None
        found += piece
    return bytes(found)


class Inbox:
    """The messages that arrive in pieces from a worker."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._arrived = bytearray()

    def take(self) -> bool:
        """Read what is there; return whether there may be more. Raises Malformed for a message that is too long."""
        piece = os.read(self.descriptor, 2**20)
        self._arrived += piece
        if len(self._arrived) >= LENGTH.size and LENGTH.unpack(self._arrived[: LENGTH.size])[0] > MOST:
            raise Malformed(f"a message of more than {MOST} bytes")
        return bool(piece)

    def message(self) -> bytes | None:
        """Return the next message that is whole, if there is one."""
        if len(self._arrived) < LENGTH.size:
            return None
        end = LENGTH.size + LENGTH.unpack(self._arrived[: LENGTH.size])[0]
        if len(self._arrived) < end:
            return None
        found = bytes(self._arrived[LENGTH.size : end])
        del self._arrived[:end]
        return found


def _written(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        known = value.dtype.name in (*DTYPES, "int64", "bool")
        return written_array(np.asarray(value) if known else np.asarray(value).astype(np.float64))
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)


def _read(kind: Any, found: Any) -> Any:
    if getattr(kind, "__origin__", None) is not np.ndarray:
        raise TypeError(str(kind))
    try:
        return array_of(msgspec.convert(found, WrittenArray))
    except SpecError as error:
        raise ValueError(str(error)) from None
