"""The machine-readable mark "made by AI" in PNG, JPEG and WebP files: read, write, keep; every pixel stays as it is."""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar, NamedTuple
from xml.sax.saxutils import escape

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_SEGMENT = re.compile(rb"\xff+([^\x00\xff\xd0-\xd8])")
_JPEG_LEADING = re.compile(rb"\xff+(?:\xe0|\xe1..Exif\0)", re.DOTALL)
_JPEG_MARKER = re.compile(rb"\xff(?=[^\x00\xff\xd0-\xd7])")
_VP8X_XMP, _VP8X_ALPHA = 0x04, 0x10
_MAX_PACKET, _MAX_PARTS, _MAX_SYSTEM = 1_000_000, 100_000, 200
_DESCRIPTION = (
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
    "<Iptc4xmpExt:AISystemUsed>%s</Iptc4xmpExt:AISystemUsed></rdf:Description>"
)
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_ILLEGAL_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARKED = re.compile(
    rb"""DigitalSourceType(?:\s*=\s*["']|\s*>\s*|\s+\w+:resource\s*=\s*["'])"""
    rb"""https?://cv\.iptc\.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\s*["'<]"""
)
# The two properties as an attribute, an element with a resource, an element with text.
_OURS = re.compile(
    rb"""\s[\w.-]+:(?:DigitalSourceType|AISystemUsed)\s*=\s*(?:"[^"<]*"|'[^'<]*')"""
    rb"""|<[\w.-]+:(DigitalSourceType|AISystemUsed)\b[^<>]*(?:/>|>[^<]*</[\w.-]+:\1\s*>)"""
)


class Part(NamedTuple):
    """One chunk or segment: its name, its whole stretch of the file, and what it says."""

    name: bytes
    raw: memoryview
    body: memoryview


class Picture(ABC):
    """A file taken apart into the parts it consists of; ``ValueError`` when it does not hold together."""

    head: ClassVar[int]
    manifest: ClassVar[bytes]
    proof: ClassVar[bytes] = b""
    carrier: ClassVar[bytes]
    keyword: ClassVar[bytes] = b""
    room: ClassVar[int] = _MAX_PACKET

    def __init__(self, data: bytes) -> None:
        self.data = memoryview(data)
        self.parts = tuple(islice(self.split(), _MAX_PARTS))
        if len(self.parts) in (0, _MAX_PARTS):
            raise ValueError("the picture has no parts, or far too many")
        self.end = self.head + sum(len(part.raw) for part in self.parts)

    @abstractmethod
    def split(self) -> Iterator[Part]:
        """The parts in their order, up to and with the end marker."""

    @abstractmethod
    def wrap(self, packet: bytes) -> bytes:
        """A part that carries the packet."""

    @abstractmethod
    def place(self, parts: Sequence[Part]) -> int:
        """Before which of these parts the packet belongs."""

    def xmp(self, part: Part) -> bytes | None:
        """The XMP packet in this part, ``None`` when it is not an XMP part."""
        body = bytes(part.body) if part.name == self.carrier else None
        return self.unwrap(body[len(self.keyword) :]) if body is not None and body.startswith(self.keyword) else None

    def unwrap(self, rest: bytes) -> bytes:
        """The packet in what follows the keyword."""
        return rest

    def write(self, packet: bytes) -> bytes:
        """The file with this packet as its only one."""
        kept = [part for part in self.parts if self.xmp(part) is None]
        raws: list[bytes | memoryview] = [part.raw for part in kept]
        raws.insert(self.place(kept), self.wrap(packet))
        return b"".join([self.seal(raws), self.data[self.end :]])

    def seal(self, raws: list[bytes | memoryview]) -> bytes:
        """A file of these parts."""
        return b"".join([self.data[: self.head], *raws])

    @property
    def packet(self) -> bytes:
        """The XMP packet of the file, empty when it has none we can read."""
        return next(filter(None, map(self.xmp, self.parts)), b"")

    @property
    def marked(self) -> bool:
        """Whether the packet names the source type of AI-made media."""
        return _MARKED.search(self.packet) is not None

    @property
    def signed(self) -> bool:
        """Whether a part holds a C2PA manifest."""
        return any(part.name == self.manifest and self.proof in bytes(part.body) for part in self.parts)

    def take(self, start: int, size: int) -> memoryview:
        """So many bytes from here, all of them."""
        if start + size > len(self.data):
            raise ValueError("the picture is cut off")
        return self.data[start : start + size]


class Png(Picture):
    """https://www.w3.org/TR/png-3/"""

    head = len(_PNG)
    manifest = b"caBX"
    carrier = b"iTXt"
    keyword = b"XML:com.adobe.xmp\0"

    def split(self) -> Iterator[Part]:
        """Chunks of length, name, body and checksum, to IEND."""
        start, name = self.head, b""
        while name != b"IEND":
            raw = self.take(start, int.from_bytes(self.take(start, 4)) + 12)
            name = bytes(raw[4:8])
            yield Part(name, raw, raw[8:-4])
            start += len(raw)

    def unwrap(self, rest: bytes) -> bytes:
        """The text behind flag, method, language and translated keyword."""
        text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        return _inflated(text) if rest[:1] == b"\1" else text

    def wrap(self, packet: bytes) -> bytes:
        """An uncompressed iTXt chunk without language."""
        body = self.carrier + self.keyword + bytes(4) + packet
        return (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)

    def place(self, parts: Sequence[Part]) -> int:
        """Before the first IDAT."""
        return [part.name for part in parts].index(b"IDAT")


class Jpeg(Picture):
    """https://www.w3.org/Graphics/JPEG/itu-t81.pdf, annex B"""

    head = 2
    manifest = b"\xeb"  # APP11 may hold other boxes, too
    proof = b"c2pa"
    carrier = b"\xe1"
    keyword = b"http://ns.adobe.com/xap/1.0/\0"
    room = 0xFFFF - 2 - len(keyword)

    def split(self) -> Iterator[Part]:
        """Segments, those of a scan with the coded pixels after them, to EOI."""
        start, name = self.head, b""
        while name != b"\xd9":
            found = _JPEG_SEGMENT.match(self.data, start)
            if not found:
                raise ValueError("the picture has no marker where one belongs")
            name = found[1]
            raw = self.take(start, self.until(name, found.end()) - start)
            yield Part(name, raw, raw[found.end() - start + 2 :])
            start += len(raw)

    def until(self, name: bytes, start: int) -> int:
        """Where the segment of this name ends whose length stands here."""
        if name == b"\xd9":
            return start
        end = start + int.from_bytes(self.take(start, 2))
        if name == b"\xda":
            following = _JPEG_MARKER.search(self.data, end)
            return following.start() if following else len(self.data) + 1
        return end

    def wrap(self, packet: bytes) -> bytes:
        """An APP1 segment."""
        body = self.keyword + packet
        return b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body

    def place(self, parts: Sequence[Part]) -> int:
        """After JFIF and Exif, which readers expect first."""
        return [_JPEG_LEADING.match(part.raw) for part in parts].index(None)


class WebP(Picture):
    """https://developers.google.com/speed/webp/docs/riff_container"""

    head = 12
    manifest = b"C2PA"
    carrier = b"XMP "

    def split(self) -> Iterator[Part]:
        """Chunks of name, length and body, padded to even length, as far as the file says it goes."""
        start, end = self.head, 8 + int.from_bytes(self.data[4:8], "little")
        while start < end:
            size = int.from_bytes(self.take(start + 4, 4), "little")
            raw = self.take(start, 8 + size + size % 2)
            yield Part(bytes(raw[:4]), raw, raw[8 : 8 + size])
            start += len(raw)
        if start != end:
            raise ValueError("the picture is longer or shorter than it says")

    def wrap(self, packet: bytes) -> bytes:
        """The XMP chunk."""
        return _riff(self.carrier, packet)

    def place(self, parts: Sequence[Part]) -> int:
        """Last."""
        return len(parts)

    def seal(self, raws: list[bytes | memoryview]) -> bytes:
        """A file in the extended form, its first chunk saying that XMP follows."""
        rest = raws[1:] if self.parts[0].name == b"VP8X" else raws
        return _riff(b"RIFF", b"".join([b"WEBP", _riff(b"VP8X", self.features()), *rest]))

    def features(self) -> bytes:
        """The body of the VP8X chunk with the flag for XMP set: the file's own, or one made from its pixels."""
        name, body = self.parts[0].name, bytes(self.parts[0].body[:10])
        if name == b"VP8X" and len(body) == 10:
            return bytes([body[0] | _VP8X_XMP]) + body[1:]
        width, height, alpha = _dimensions(name, body)
        return (
            bytes([_VP8X_XMP | _VP8X_ALPHA * alpha, 0, 0, 0])
            + (width - 1).to_bytes(3, "little")
            + (height - 1).to_bytes(3, "little")
        )


def mark(data: bytes, *, system: str) -> bytes:
    """The file with the mark in it; unchanged when it has one, or a C2PA manifest that any insert would break."""
    picture = _picture(data)
    if picture.signed or picture.marked:
        return data
    return picture.write(_packet(picture.packet, system=system, room=picture.room))


def marked(data: bytes) -> bool:
    """Whether the file says that it was made by AI."""
    return _picture(data).marked


def has_c2pa(data: bytes) -> bool:
    """Whether the file carries a C2PA manifest."""
    return _picture(data).signed


def trim(data: bytes) -> bytes:
    """The file without what follows its end marker, unless a C2PA manifest may cover it."""
    picture = _picture(data)
    return data if picture.signed else data[: picture.end]


def _picture(data: bytes) -> Picture:
    if data.startswith(_PNG):
        return Png(data)
    if data.startswith(b"\xff\xd8"):
        return Jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebP(data)
    raise ValueError("the picture is not PNG, JPEG or WebP")


def _packet(old: bytes, *, system: str, room: int) -> bytes:
    """Our two properties among what the old packet says; alone when it cannot be read or grows too large."""
    ours = _DESCRIPTION % escape(_ILLEGAL_IN_XML.sub("", system)[:_MAX_SYSTEM])
    before, end, after = _OURS.sub(b"", old).rpartition(b"</rdf:RDF>")
    merged = before + ours.encode() + end + after
    return merged if end and len(merged) <= room else (_PACKET % ours).encode()


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MAX_PACKET)
    except zlib.error:
        return b""


def _riff(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def _dimensions(name: bytes, body: bytes) -> tuple[int, int, bool]:
    """Width, height and whether there is transparency, as the head of the coded pixels has them."""
    if name == b"VP8L" and body[:1] == b"\x2f":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    if name != b"VP8 " or not width or not height:
        raise ValueError("the picture does not say how large it is")
    return width, height, False
