"""The text of our PDFs, page by page: Typst writes compressed streams, glyphs by number, and a table from glyph to character for each font."""

from __future__ import annotations

import itertools
import re
import zlib


def pages_of(pdf: bytes) -> list[str]:
    """What a reader can copy from each page, without line breaks between pieces of one line."""
    objects = dict(_objects(pdf))
    return [_page(body, objects) for _n, body in sorted(_pages(objects))]


def _objects(pdf: bytes):
    """(number, bytes) of every object, those packed into object streams too."""
    for number, body in re.findall(rb"(\d+) 0 obj\b(.*?)\bendobj", pdf, re.DOTALL):
        yield int(number), body
        if b"/ObjStm" in body:
            inner, first = _stream(body), int(re.search(rb"/First (\d+)", body)[1])
            heads = [int(x) for x in inner[:first].split()]
            places = [*heads[1::2], len(inner) - first]
            for n, (start, end) in enumerate(itertools.pairwise(places)):
                yield heads[2 * n], inner[first + start : first + end]


def _stream(body: bytes) -> bytes:
    start = re.search(rb"stream\r?\n", body).end()
    raw = body[start : start + int(re.search(rb"/Length (\d+)", body)[1])]  # its last byte may well be a carriage return
    return zlib.decompress(raw) if b"FlateDecode" in body else raw


def _pages(objects):
    """(place, object) of pages in the order of the tree."""
    (root,) = (body for body in objects.values() if re.search(rb"/Type\s*/Pages\b", body) and b"/Parent" not in body)
    place = 0

    def walk(body):
        nonlocal place
        for kid in re.findall(rb"(\d+) 0 R", re.search(rb"/Kids\s*\[(.*?)\]", body, re.DOTALL)[1]):
            child = objects[int(kid)]
            if b"/Kids" in child:
                yield from walk(child)
            else:
                place += 1
                yield place, child

    yield from walk(root)


def _page(body: bytes, objects) -> str:
    resources = body
    if found := re.search(rb"/Resources (\d+) 0 R", body):
        resources = objects[int(found[1])]
    fonts = {}
    named = re.search(rb"/Font\s*<<(.*?)>>", resources, re.DOTALL)
    for name, number in re.findall(rb"/(\w+) (\d+) 0 R", named[1] if named else b""):
        table = re.search(rb"/ToUnicode (\d+) 0 R", objects[int(number)])
        fonts[name] = _table(_stream(objects[int(table[1])])) if table else {}
    content = _stream(objects[int(re.search(rb"/Contents (\d+) 0 R", body)[1])])
    text, font = [], {}
    for name, shown, moved in re.findall(rb"/(\w+) [\d.]+ Tf|(\[.*?\] ?TJ|(?:<[0-9A-Fa-f]*>|\((?:\\.|[^\\)])*\)) ?Tj)|(\bET\b)", content, re.DOTALL):
        if name:
            font = fonts[name]
        elif moved:
            text.append("\n")
        else:
            text.append("".join(font.get(code, "") for code in _codes(shown)))
    return re.sub(r"\n+", "", "".join(text)).replace("\u00a0", " ")


def _codes(shown: bytes):
    """Glyph numbers, two bytes each, of strings in brackets or angle brackets."""
    for hexed, plain in re.findall(rb"<([0-9A-Fa-f]+)>|\(((?:\\.|[^\\)])*)\)", shown, re.DOTALL):
        raw = bytes.fromhex(hexed.decode()) if hexed else _plain(plain)
        for at in range(0, len(raw) - 1, 2):
            yield raw[at] << 8 | raw[at + 1]


def _plain(raw: bytes) -> bytes:
    """A string in brackets without its escapes."""
    kept = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
    return re.sub(rb"\\([0-7]{1,3}|.)", lambda m: bytes([int(m[1], 8)]) if m[1][:1].isdigit() else kept.get(m[1], m[1]), raw, flags=re.DOTALL)


def _table(source: bytes) -> dict[int, str]:
    """Glyph → characters, from the ToUnicode table of a font."""
    found = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", source, re.DOTALL):
        for glyph, chars in re.findall(rb"<(\w+)>\s*<(\w+)>", block):
            found[int(glyph, 16)] = bytes.fromhex(chars.decode()).decode("utf-16-be")
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", source, re.DOTALL):
        for first, last, chars in re.findall(rb"<(\w+)>\s*<(\w+)>\s*<(\w+)>", block):
            start = bytes.fromhex(chars.decode()).decode("utf-16-be")
            for n in range(int(last, 16) - int(first, 16) + 1):
                found[int(first, 16) + n] = start[:-1] + chr(ord(start[-1]) + n)
    return found
