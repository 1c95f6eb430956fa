"""The mark of AI-made pictures that GB 45438-2025 asks for: visible text, and metadata in the file; that of samples.

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
    "演": (
        100,
        [
            [(8, 10), (18, 20)],
            [(4, 36), (14, 46)],
            [(4, 92), (18, 62)],
            [(62, 2), (62, 12)],
            [(30, 28), (30, 14), (94, 14), (94, 28)],
            [(42, 30), (82, 30)],
            [(36, 44), (88, 44), (88, 74), (36, 74), (36, 44)],
            [(36, 59), (88, 59)],
            [(62, 30), (62, 74)],
            [(50, 78), (34, 94)],
            [(74, 78), (90, 94)],
        ],
    ),
    "示": (
        96,
        [
            [(26, 14), (72, 14)],
            [(6, 38), (90, 38)],
            [(49, 38), (49, 92), (36, 84)],
            [(30, 54), (14, 80)],
            [(68, 54), (86, 78)],
        ],
    ),
    "样": (
        98,
        [
            [(4, 30), (42, 30)],
            [(23, 6), (23, 94)],
            [(23, 34), (6, 64)],
            [(24, 40), (38, 56)],
            [(54, 6), (62, 20)],
            [(86, 6), (78, 20)],
            [(50, 26), (92, 26)],
            [(54, 44), (88, 44)],
            [(46, 64), (96, 64)],
            [(71, 26), (71, 94)],
        ],
    ),
    "例": (
        98,
        [
            [(24, 6), (4, 44)],
            [(15, 32), (15, 94)],
            [(30, 16), (66, 16)],
            [(44, 16), (40, 40), (28, 62)],
            [(42, 36), (62, 36), (56, 64), (34, 92)],
            [(42, 50), (52, 60)],
            [(76, 20), (76, 70)],
            [(93, 6), (93, 92), (82, 86)],
        ],
    ),
}
_TEXT, _SAMPLE, _GAP = "AI生成", "演示样例", 16


def draw_label(picture: Image.Image) -> None:
    """Write "AI生成" into the lower right corner of an RGB picture, on a dark plate so that it can be read."""
    _plate(picture, _TEXT, right=True)


def draw_sample(picture: Image.Image) -> None:
    """Write "演示样例" into the lower left corner: what the box drew itself must not pass for a patient's picture."""
    _plate(picture, _SAMPLE, right=False)


def _plate(picture: Image.Image, text: str, right: bool) -> None:
    height = max(12, round(min(picture.size) * HEIGHT_SHARE * 1.1))
    unit = height / 100
    width = sum(_GLYPHS[glyph][0] + _GAP for glyph in text) * unit
    margin = height * 0.45
    left, top = (picture.width - width - 2 * margin if right else 0), picture.height - height - 2 * margin
    draw = ImageDraw.Draw(picture)
    draw.rectangle((left - margin / 2, top - margin / 2, left + width + 2 * margin, picture.height), fill=(20, 24, 28))
    left += margin / 2
    for glyph in text:
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
