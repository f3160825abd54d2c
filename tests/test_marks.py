"""The mark "made by AI": read back by another reader, every pixel where it was, nothing of others lost."""

from __future__ import annotations

import io
import zlib
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from imagen.marks import SOURCE_TYPE, has_c2pa, mark, marked, trim

SYSTEM = "Imagen 4"
EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"


def picture(form: str, mode: str = "RGB", *, frames: int = 1, **options: Any) -> bytes:
    gradient = Image.linear_gradient("L").resize((37, 21))
    pages = [Image.merge("RGBA", [gradient, gradient.rotate(90 + page), gradient, gradient]) for page in range(frames)]
    if frames > 1:
        options |= {"save_all": True, "append_images": [page.convert(mode) for page in pages[1:]]}
    file = io.BytesIO()
    pages[0].convert(mode).save(file, form, **options)
    return file.getvalue()


def exif() -> bytes:
    found = Image.Exif()
    found[0x010E] = "a description"
    return found.tobytes()


FILES = {
    "png": picture("png"),
    "png with transparency": picture("png", "RGBA"),
    "png with a palette": picture("png", "P"),
    "png animated": picture("png", frames=3),
    "jpeg": picture("jpeg"),
    "jpeg in passes": picture("jpeg", progressive=True),
    "jpeg in grey": picture("jpeg", "L"),
    "jpeg with Exif": picture("jpeg", exif=exif()),
    "jpeg restarting": picture("jpeg", restart_marker_blocks=1),
    "webp": picture("webp"),
    "webp lossless": picture("webp", lossless=True),
    "webp with transparency": picture("webp", "RGBA"),
    "webp lossless with transparency": picture("webp", "RGBA", lossless=True),
    "webp with Exif": picture("webp", exif=exif()),
    "webp animated": picture("webp", frames=3),
}
ONE_OF_EACH = [FILES["png"], FILES["jpeg"], FILES["webp"]]

every_file = pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())
every_kind = pytest.mark.parametrize("data", ONE_OF_EACH, ids=["png", "jpeg", "webp"])


def pixels(data: bytes) -> list[tuple[Any, ...]]:
    with Image.open(io.BytesIO(data)) as found:
        return [(page.mode, page.size, page.tobytes()) for page in ImageSequence.Iterator(found)]


def packet(data: bytes) -> bytes:
    """The XMP packet as Pillow finds it."""
    with Image.open(io.BytesIO(data)) as found:
        found.load()
        text = found.info.get("xmp") or found.info["XML:com.adobe.xmp"]
    return text if isinstance(text, bytes) else str(text).encode()


def properties(data: bytes) -> list[tuple[str, str | None]]:
    """Every property of every description in the packet, as an XML parser reads it."""
    root = ET.fromstring(packet(data))
    found: list[tuple[str, str | None]] = []
    for description in root.iter(f"{RDF}Description"):
        found += [pair for pair in description.attrib.items() if not pair[0].startswith(RDF)]
        found += [(child.tag, child.get(f"{RDF}resource") or child.text) for child in description]
    return found


def chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)


def with_chunk(name: bytes, body: bytes) -> bytes:
    """A PNG with one more chunk, right after its header."""
    return FILES["png"][:33] + chunk(name, body) + FILES["png"][33:]


def with_segment(marker: int, body: bytes) -> bytes:
    """A JPEG with one more segment, right at its start."""
    return b"\xff\xd8\xff" + bytes([marker]) + (len(body) + 2).to_bytes(2) + body + FILES["jpeg"][2:]


def with_riff(name: bytes, body: bytes) -> bytes:
    """A WebP with one more chunk at its end."""
    inside = FILES["webp with Exif"][8:] + name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
    return b"RIFF" + len(inside).to_bytes(4, "little") + inside


def xmp(inner: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"{inner}</rdf:RDF></x:xmpmeta>"
    ).encode()


def holding(kind: str, text: bytes) -> bytes:
    """A file of this kind with this XMP packet."""
    if kind == "png":
        return with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)
    return with_segment(0xE1, XMP_SEGMENT + text) if kind == "jpeg" else with_riff(b"XMP ", text)


@every_file
def test_a_marked_file_names_its_source_type_and_its_maker(data: bytes) -> None:
    assert properties(mark(data, system=SYSTEM)) == [
        (f"{EXT}DigitalSourceType", SOURCE_TYPE),
        (f"{EXT}AISystemUsed", SYSTEM),
    ]


@every_file
def test_marking_leaves_every_pixel_of_every_frame_as_it_was(data: bytes) -> None:
    assert pixels(mark(data, system=SYSTEM)) == pixels(data)


@every_file
def test_a_mark_can_be_read_back_and_is_not_there_before(data: bytes) -> None:
    assert (marked(data), marked(mark(data, system=SYSTEM))) == (False, True)


@every_file
def test_a_marked_file_is_not_marked_again(data: bytes) -> None:
    once = mark(data, system=SYSTEM)
    assert mark(once, system="another") == once


@every_file
def test_exif_stays_where_readers_find_it(data: bytes) -> None:
    def read(file: bytes) -> dict[int, Any]:
        with Image.open(io.BytesIO(file)) as found:
            return dict(found.getexif())

    assert read(mark(data, system=SYSTEM)) == read(data)


@every_file
def test_transparency_and_animation_are_still_announced(data: bytes) -> None:
    def read(file: bytes) -> tuple[Any, ...]:
        with Image.open(io.BytesIO(file)) as found:
            return found.format, found.mode, getattr(found, "n_frames", 1), found.size

    assert read(mark(data, system=SYSTEM)) == read(data)


@every_kind
def test_a_mark_costs_less_than_a_kilobyte(data: bytes) -> None:
    assert 300 < len(mark(data, system=SYSTEM)) - len(data) < 1000


@pytest.mark.parametrize("system", ["<&>\"' ]]>", "図像", "\x00\x1b\ud800\uffff", "x" * 5000, "&" * 70_000, ""])
@every_kind
def test_any_name_of_a_maker_makes_a_readable_packet(data: bytes, system: str) -> None:
    kept = "".join(letter for letter in system if letter not in "\x00\x1b\ud800\uffff")[:200]
    assert (properties(mark(data, system=system))[1][1] or "") == kept


def test_in_a_png_the_mark_stands_before_the_pixels_with_a_right_checksum() -> None:
    data = mark(FILES["png"], system=SYSTEM)
    start = data.index(b"iTXt")
    size = int.from_bytes(data[start - 4 : start])
    stored = data[start + 4 + size : start + 8 + size]
    assert start < data.index(b"IDAT")
    assert int.from_bytes(stored) == zlib.crc32(data[start : start + 4 + size])


@pytest.mark.parametrize(
    ("name", "flags"), [("webp", 0x04), ("webp lossless with transparency", 0x14), ("webp with Exif", 0x0C)]
)
def test_in_a_webp_the_first_chunk_announces_what_the_file_holds(name: str, flags: int) -> None:
    data = mark(FILES[name], system=SYSTEM)
    assert (data[12:16], data[20]) == (b"VP8X", flags)


def test_in_a_jpeg_the_mark_follows_jfif_and_exif() -> None:
    data = mark(FILES["jpeg with Exif"], system=SYSTEM)
    assert data.index(b"JFIF\0") < data.index(b"Exif\0") < data.index(XMP_SEGMENT) < data.index(b"\xff\xdb")


def test_a_jpeg_may_pad_its_markers() -> None:
    data = FILES["jpeg"].replace(b"\xff\xdb", b"\xff\xff\xff\xdb", 1)
    assert pixels(mark(data, system=SYSTEM)) == pixels(FILES["jpeg"])


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_what_others_said_in_xmp_is_kept(kind: str) -> None:
    data = holding(kind, xmp('<rdf:Description rdf:about="" dc:format="a"><dc:title>T</dc:title></rdf:Description>'))
    assert properties(mark(data, system=SYSTEM)) == [
        ("{http://purl.org/dc/elements/1.1/}format", "a"),
        ("{http://purl.org/dc/elements/1.1/}title", "T"),
        (f"{EXT}DigitalSourceType", SOURCE_TYPE),
        (f"{EXT}AISystemUsed", SYSTEM),
    ]


OTHER = SOURCE_TYPE.replace("trainedAlgorithmicMedia", "digitalCapture")


@pytest.mark.parametrize(
    "inner",
    [
        f'<rdf:Description rdf:about="" e:DigitalSourceType="{OTHER}" e:AISystemUsed="B"/>',
        f"<rdf:Description rdf:about='' e:DigitalSourceType='{OTHER}'/>",
        f'<rdf:Description rdf:about=""><e:DigitalSourceType>{OTHER}</e:DigitalSourceType></rdf:Description>',
        f'<rdf:Description rdf:about=""><e:DigitalSourceType rdf:resource="{OTHER}"/></rdf:Description>',
    ],
)
def test_another_source_type_makes_way(inner: str) -> None:
    assert properties(mark(holding("png", xmp(inner)), system=SYSTEM)) == [
        (f"{EXT}DigitalSourceType", SOURCE_TYPE),
        (f"{EXT}AISystemUsed", SYSTEM),
    ]


@pytest.mark.parametrize(
    "inner",
    [
        f'<rdf:Description rdf:about="" e:DigitalSourceType="{SOURCE_TYPE}"/>',
        f"<rdf:Description rdf:about='' e:DigitalSourceType='{SOURCE_TYPE.replace('http:', 'https:')}'/>",
        f'<rdf:Description rdf:about=""><e:DigitalSourceType>\n{SOURCE_TYPE}\n</e:DigitalSourceType></rdf:Description>',
        f'<rdf:Description rdf:about=""><e:DigitalSourceType rdf:resource="{SOURCE_TYPE}"/></rdf:Description>',
    ],
)
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_provider_s_own_mark_is_recognised_and_left_alone(kind: str, inner: str) -> None:
    data = holding(kind, xmp(inner))
    assert marked(data)
    assert mark(data, system=SYSTEM) == data


def test_a_source_type_that_only_begins_like_ours_is_no_mark() -> None:
    assert not marked(holding("png", xmp(f'<rdf:Description e:DigitalSourceType="{SOURCE_TYPE}Enhanced"/>')))


def test_a_compressed_packet_is_read() -> None:
    text = xmp(f'<rdf:Description e:DigitalSourceType="{SOURCE_TYPE}"/>')
    assert marked(with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + zlib.compress(text)))


@pytest.mark.parametrize(
    "body",
    [
        b"\1\0\0\0no zlib",
        b"\1\0\0\0" + zlib.compress(bytes(50_000_000)),
        b"\0\0\0\0" + "<x:xmpmeta/>".encode("utf-16"),
        b"",
        b"\0\0en",
    ],
    ids=["not compressed", "a bomb", "another encoding", "empty", "cut off"],
)
def test_a_packet_nobody_can_read_gives_way_to_ours(body: bytes) -> None:
    data = mark(with_chunk(b"iTXt", b"XML:com.adobe.xmp\0" + body), system=SYSTEM)
    assert data.count(b"XML:com.adobe.xmp") == 1
    assert properties(data)[0] == (f"{EXT}DigitalSourceType", SOURCE_TYPE)


def test_a_packet_is_unpacked_to_a_limit() -> None:
    text = bytes(2_000_000) + xmp(f'<rdf:Description e:DigitalSourceType="{SOURCE_TYPE}"/>')
    assert not marked(with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(text)))


def test_other_texts_in_a_png_are_no_packet_and_stay() -> None:
    data = with_chunk(b"iTXt", b"Comment\0\0\0\0\0" + SOURCE_TYPE.encode())
    assert not marked(data)
    assert b"Comment" in mark(data, system=SYSTEM)


def test_a_packet_too_large_for_a_jpeg_segment_gives_way_to_ours() -> None:
    data = holding("jpeg", xmp(f'<rdf:Description rdf:about="" dc:format="{"a" * 65_000}"/>'))
    assert len(properties(mark(data, system=SYSTEM))) == 2


SIGNED = {
    "png": with_chunk(b"caBX", b"\0\0\0\x20jumb\0\0\0\x18jumdc2pa"),
    "jpeg": with_segment(0xEB, b"JP\0\1\0\0\0\1\0\0\0\x20jumb\0\0\0\x18jumdc2pa"),
    "webp": with_riff(b"C2PA", b"\0\0\0\x20jumb\0\0\0\x18jumdc2pa"),
}


@pytest.mark.parametrize("kind", SIGNED)
def test_a_file_with_a_c2pa_manifest_is_left_exactly_as_it_is(kind: str) -> None:
    data = SIGNED[kind] + b"trailing"
    assert has_c2pa(data)
    assert mark(data, system=SYSTEM) == trim(data) == data


@every_file
def test_a_file_without_a_manifest_says_so(data: bytes) -> None:
    assert not has_c2pa(data)


def test_other_boxes_in_a_jpeg_are_no_manifest() -> None:
    assert not has_c2pa(with_segment(0xEB, b"JP\0\1\0\0\0\1\0\0\0\x20jumbnl"))


@every_file
def test_what_follows_the_end_is_cut_off(data: bytes) -> None:
    assert trim(data + b"<script>alert(1)</script>") == data


@every_file
def test_a_file_that_ends_where_it_should_is_not_cut(data: bytes) -> None:
    assert trim(data) == data


@every_kind
def test_marking_touches_nothing_after_the_end(data: bytes) -> None:
    assert mark(data + b"after", system=SYSTEM) == mark(data, system=SYSTEM) + b"after"


@every_kind
def test_a_file_cut_anywhere_is_refused(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(ValueError, match="the picture"):
            trim(data[:length])


def test_a_file_of_far_too_many_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="far too many"):
        trim(b"\xff\xd8" + b"\xff\xe0\0\2" * 100_000 + b"\xff\xd9")


def test_a_webp_that_is_longer_than_it_says_is_refused() -> None:
    size = int.from_bytes(FILES["webp"][4:8], "little") - 2
    with pytest.raises(ValueError, match="longer or shorter"):
        trim(b"RIFF" + size.to_bytes(4, "little") + FILES["webp"][8:])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<svg/>",
        b"\xff\xd8\xff\xd8\xff\xd9",
        b"\xff\xd8" + b"\xff" * 200_000 + b"\0",
        b"\xff\xd8\xff\xda\0\2" + b"\xff" * 200_000 + b"\0",
        b"RIFF\4\0\0\0WEBP",
        b"RIFF\x0e\0\0\0WEBPVP8 \1\0\0\0\0\0\0\0",
        b"RIFF\x0e\0\0\0WEBPVP8L\2\0\0\0\0\0",
        b"RIFF\x0d\0\0\0WEBPVP8L\1\0\0\0\0\0",
        b"RIFF\x0e\0\0\0WEBPEXIF\2\0\0\0\0\0",
        FILES["png"][:33] + chunk(b"IEND", b""),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the kind of error is the promise
        mark(data, system=SYSTEM)


@settings(max_examples=300, deadline=None)
@given(data=st.sampled_from([*FILES.values(), *SIGNED.values()]), more=st.data())
def test_no_damage_makes_anything_but_a_value_error(data: bytes, more: st.DataObject) -> None:
    broken = bytearray(data)
    for _ in range(more.draw(st.integers(1, 6))):
        at = more.draw(st.integers(0, len(broken)))
        broken[at : at + more.draw(st.integers(0, 4))] = more.draw(st.binary(max_size=5))
    for door in (marked, has_c2pa, trim, lambda found: mark(found, system=SYSTEM)):
        try:
            door(bytes(broken))
        except ValueError:
            continue
