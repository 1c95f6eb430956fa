"""The mark of AI-made pictures that GB 45438-2025 asks for: visible text, and metadata in the file.

The text is drawn from strokes, for a box must not depend on which Chinese fonts are installed.
"""

import json
from xml.sax.saxutils import quoteattr

from PIL import Image, ImageDraw

HEIGHT_SHARE = 0.05  # GB 45438-2025, 5.3: at least 5 % of the picture's shorter side
PRODUCER = "Xiangyi"

# Each glyph: its width, and its strokes as points on a grid 100 high.
_GLYPHS: dict[str, tuple[int, list[list[tuple[int, int]]]]] = {
    "A": (66, [[(2, 94), (33, 6), (64, 94)], [(15, 64), (51, 64)]]),
    "I": (28, [[(14, 6), (14, 94)], [(2, 6), (26, 6)], [(2, 94), (26, 94)]]),
    "生": (
        96,
        [
            [(30, 6), (24, 26), (10, 46)],
            [(24, 28), (86, 28)],
            [(18, 58), (82, 58)],
            [(52, 4), (52, 92)],
            [(4, 92), (94, 92)],
        ],
    ),
    "成": (
        98,
        [
            [(16, 26), (92, 26)],
            [(16, 26), (15, 62), (4, 94)],
            [(16, 50), (46, 50), (43, 80), (30, 76)],
            [(56, 4), (60, 42), (70, 72), (86, 92), (94, 92), (96, 76)],
            [(88, 42), (72, 70), (46, 92)],
            [(72, 6), (84, 15)],
        ],
    ),
}
_TEXT, _GAP = "AI生成", 16


def draw_label(picture: Image.Image) -> None:
    """Write "AI生成" into the lower right corner of an RGB picture, on a dark plate so that it can be read."""
    height = max(12, round(min(picture.size) * HEIGHT_SHARE * 1.1))
    unit = height / 100
    width = sum(_GLYPHS[glyph][0] + _GAP for glyph in _TEXT) * unit
    margin = height * 0.45
    left, top = picture.width - width - 2 * margin, picture.height - height - 2 * margin
    draw = ImageDraw.Draw(picture)
    draw.rectangle((left - margin / 2, top - margin / 2, picture.width, picture.height), fill=(20, 24, 28))
    left += margin / 2
    for glyph in _TEXT:
        advance, strokes = _GLYPHS[glyph]
        for stroke in strokes:
            points = [(left + x * unit, top + margin / 2 + y * unit) for x, y in stroke]
            draw.line(points, fill=(255, 255, 255), width=max(1, round(height * 0.085)), joint="curve")
        left += (advance + _GAP) * unit


def metadata(produce_id: str) -> bytes:
    """The XMP packet with the standard's AIGC field; `produce_id` names the study that the picture belongs to."""
    field = {
        "Label": "1",
        "ContentProducer": PRODUCER,
        "ProduceID": produce_id,
        "ReservedCode1": "",
        "ContentPropagator": PRODUCER,
        "PropagateID": produce_id,
        "ReservedCode2": "",
    }
    value = quoteattr(json.dumps(field, ensure_ascii=False, separators=(",", ":")))
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        f' xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" TC260:AIGC={value}/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()
