"""One of TensorBoard's event files."""

import socket
import struct
import time
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import masked_crc32c

EVENTS = "events.out.tfevents.*"


class EventFile:
    """An event file that grows with each call, so that a killed run loses nothing.

    tensorboardX's own writer writes in a thread: when that dies because the disk is full, the next
    calls wait for it for ever.
    """

    def __init__(self, folder: Path) -> None:
        """Begins a file in a folder, which is made if it does not exist.

        Raises:
            OSError: it cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        name = EVENTS.replace("*", f"{int(time.time())}.{socket.gethostname()}")
        # Without a buffer, closing writes nothing, so it cannot fail for a full disk.
        self._file = (folder / name).open("wb", buffering=0)
        self._add(Event(file_version="brain.Event:2"))
        # Makes a TensorBoard that is open forget the run that was there before.
        self._add(Event(session_log=SessionLog(status=SessionLog.START)))

    def add(self, summary: Any, step: int) -> None:
        """Writes a summary, one of `tensorboardX.summary`, at a step.

        Raises:
            OSError: the file cannot be written; its message names it.
        """
        self._add(Event(summary=summary, step=step))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _add(self, event: Event) -> None:
        event.wall_time = time.time()
        rest = memoryview(_record(event.SerializeToString()))
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise OSError(f"{self._file.name}: cannot be written ({error.strerror})") from error


def _record(data: bytes) -> bytes:
    """A TFRecord: length, checksum of the length, data, checksum of the data.

    https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
    """
    length = struct.pack("<Q", len(data))
    checks = (struct.pack("<I", masked_crc32c(part)) for part in (length, data))
    return length + next(checks) + data + next(checks)
