"""Where an H.264 stream can be entered: the packets from which on no picture leans on one before.

Nothing is sought in the file. The packets are walked and counted, which costs little, and decoding begins at
such a packet, so that the number of a frame is the number of the packets before it and a container's index,
which seeking would have to trust, is not used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext

_REFRESH, _SEQUENCE, _PICTURE = 5, 7, 8  # kinds of unit (ITU-T H.264, table 7-1): IDR slice and parameter sets
_START_CODE = b"\x00\x00\x01"
_ONE_FIELD_OR_WHOLE = (0, 1)  # AV_FIELD_UNKNOWN, AV_FIELD_PROGRESSIVE


class Entries:
    """Tells of one packet after the other whether decoding can begin with it.

    That is a packet with an instantaneous decoding refresh, which no later picture looks behind and before
    which all earlier ones are shown, and whose parameter sets are known: from the container's header, or
    in the packet itself. Pictures that only a recovery point announces are none: those shown around it may
    lean on what was before. Interlaced streams, whose packets may be half a frame, have no entries here.

    Parameters
    ----------
    context : av.VideoCodecContext
        The stream's decoder, before it has decoded.
    """

    def __init__(self, context: VideoCodecContext) -> None:
        header = context.extradata or b""
        # with a configuration record (ISO/IEC 14496-15, 5.3.3.1) units have a length in front, else a start code
        self._length = (header[4] & 3) + 1 if len(header) > 4 and header[0] == 1 else 0
        self._possible = context.codec.name == "h264" and int(context.field_order) in _ONE_FIELD_OR_WHOLE

    def __call__(self, packet: Packet) -> bool:
        """Whether no picture from this packet on needs an earlier packet."""
        if not self._possible or not packet.size:
            return False
        # other parameter sets from here on, which packets after this one do not repeat
        self._possible = not packet.has_sidedata("new_extradata")
        if not packet.is_keyframe:
            return False
        data = bytes(packet)
        kinds = set(_behind_lengths(data, self._length) if self._length else _behind_start_codes(data))
        return _REFRESH in kinds and (self._length > 0 or {_SEQUENCE, _PICTURE} <= kinds)


def _behind_lengths(data: bytes, width: int) -> Iterator[int]:
    at = 0
    while at + width < len(data):
        yield data[at + width] & 31
        at += width + int.from_bytes(data[at : at + width], "big")


def _behind_start_codes(data: bytes) -> Iterator[int]:
    at = data.find(_START_CODE)
    while 0 <= at < len(data) - len(_START_CODE):
        yield data[at + len(_START_CODE)] & 31
        at = data.find(_START_CODE, at + len(_START_CODE))
