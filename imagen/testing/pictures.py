"""Real pictures for a gateway that is not: the size a model would give, a colour that follows the name."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zlib
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw

# https://ai.google.dev/gemini-api/docs/imagen: what Imagen gives at 1k
IMAGEN_SIZES = {
    "1:1": (1024, 1024),
    "3:4": (896, 1280),
    "4:3": (1280, 896),
    "9:16": (768, 1408),
    "16:9": (1408, 768),
}
FACTORS = {"1k": 1, "2k": 2, "4k": 4}
PALETTE = 16  # heavy pictures come in so many colours, or a thousand of them would not fit into memory


def size_of(ratio: str, resolution: str = "1k", *, scale: float = 1.0) -> tuple[int, int]:
    """Width and height of a picture in this ratio, made smaller or larger by ``scale``."""
    wide, high = (int(part) for part in ratio.split(":"))
    edge = 1024 * math.sqrt(wide / high)
    width, height = IMAGEN_SIZES.get(ratio, (edge, edge * high / wide))
    factor = FACTORS.get(resolution, 1) * scale
    return max(1, round(width * factor)), max(1, round(height * factor))


def picture(name: str, size: tuple[int, int], *, form: str = "PNG", weight: int = 0) -> bytes:
    """The bytes of the one picture that belongs to this name; PNGs are padded to ``weight`` bytes."""
    digest = hashlib.sha256(name.encode()).digest()
    if weight:
        digest = hashlib.sha256(bytes([digest[0] % PALETTE])).digest()
        return _heavy(digest[:3], size, weight)
    return _encode(_paint(digest[:3], size), form)


def moving(name: str, size: tuple[int, int], form: str) -> bytes:
    """Two frames as GIF, WEBP or (as PNG) APNG."""
    frames = [_paint(hashlib.sha256(f"{name}{turn}".encode()).digest()[:3], size) for turn in range(2)]
    return _encode(frames[0], form, save_all=True, append_images=frames[1:], duration=100)


@lru_cache(maxsize=4)
def bomb(edge: int = 30_000) -> bytes:
    """A small PNG that unfolds into ``edge`` times ``edge`` pixels."""
    packer = zlib.compressobj(9)
    row = bytes(1 + edge // 8)
    data = b"".join(packer.compress(row) for _ in range(edge)) + packer.flush()
    head = struct.pack(">IIBBBBB", edge, edge, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


@lru_cache(maxsize=1)
def text_bomb(size: int = 64 * 1024 * 1024) -> bytes:
    """A small PNG whose comment unfolds into so many bytes."""
    plain = _encode(_paint(b"\0\0\0", (16, 16)), "PNG")
    comment = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(size), 9))
    return plain[:33] + comment + plain[33:]  # behind IHDR


def _paint(colour: bytes, size: tuple[int, int]) -> Image.Image:
    red, green, blue = colour
    found = Image.new("RGB", size, (red, green, blue))
    ImageDraw.Draw(found).polygon([(0, 0), (size[0], 0), (0, size[1])], fill=(blue, red, green))
    return found


def _encode(image: Image.Image, form: str, **options: Any) -> bytes:
    kept = io.BytesIO()
    image.save(kept, form, **options)
    return kept.getvalue()


@lru_cache(maxsize=PALETTE * 5)
def _heavy(colour: bytes, size: tuple[int, int], weight: int) -> bytes:
    plain = _encode(_paint(colour, size), "PNG")
    end = len(plain) - 12  # before IEND
    missing = weight - len(plain) - 12
    padding = _chunk(b"faKe", hashlib.shake_128(colour).digest(missing)) if missing > 0 else b""
    return plain[:end] + padding + plain[end:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
