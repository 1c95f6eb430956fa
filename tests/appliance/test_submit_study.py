"""What an upload gets: a study when it is good, and for each kind of bad one the right refusal and nothing stored."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from appliance.studies import pictures, services
from model.datasets import load
from model.phantom import phantom as organ_phantom
from support.images import decoded, encoded, phantom


def bomb_png(side: int) -> bytes:
    """A PNG of a few bytes that claims side² pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def tags(*entries: tuple[int, int, int, bytes]) -> bytes:
    """EXIF data of (tag, type, count, four bytes of value), whether or not they make sense."""
    head = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries))
    return head + b"".join(struct.pack("<HHI4s", *entry) for entry in entries) + bytes(4)


def two_in_one(array: np.ndarray, **options) -> bytes:
    """An MPO: a JPEG with a second one behind it."""
    picture, second = Image.fromarray(array), Image.fromarray(array[::4, ::4].copy())
    out = io.BytesIO()
    picture.save(out, "MPO", save_all=True, append_images=[second], **options)
    return out.getvalue()


def mistyped(tiff: bytes, tag: int) -> bytes:
    """The same, but this tag's value says that it is ASCII."""
    entry, wrong = struct.pack("<HHI", tag, 4, 1), struct.pack("<HHI", tag, 2, 4)
    assert tiff.count(entry) == 1
    return tiff.replace(entry, wrong)


GOOD = encoded(phantom())
TURN = (0x0112, 3, 1, struct.pack("<I", 6))
WITH_THUMBNAIL = tags(TURN) + encoded(phantom()[::8, ::8].copy(), "JPEG")
BAD = {
    "no image": (b"%PDF-1.7 certainly not a picture", 415, "image_type_unsupported"),
    "a page": (b"<html><script>alert(1)</script></html>", 415, "image_type_unsupported"),
    "a GIF": (encoded(phantom()[..., 0], "GIF"), 415, "image_type_unsupported"),
    "empty": (b"", 422, "file_empty"),
    "truncated PNG": (GOOD[: len(GOOD) // 2], 422, "image_damaged"),
    "truncated JPEG": (encoded(phantom(), "JPEG")[:9000], 422, "image_damaged"),
    "truncated JPEG with a thumbnail": (encoded(phantom(), "JPEG", exif=WITH_THUMBNAIL)[:12_000], 422, "image_damaged"),
    "truncated MPO with a thumbnail": (two_in_one(phantom(), exif=WITH_THUMBNAIL)[:12_000], 422, "image_damaged"),
    "truncated TIFF": (encoded(phantom(), "TIFF")[:-200_000], 422, "image_damaged"),
    "a TIFF whose strips lie at a word": (mistyped(encoded(phantom(), "TIFF"), 273), 422, "image_damaged"),
    "a TIFF whose strips are words long": (mistyped(encoded(phantom(), "TIFF"), 279), 422, "image_damaged"),
    "bomb": (bomb_png(60_000), 413, "image_too_many_pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_refused_and_nothing_is_stored(api, name):
    content, status, code = BAD[name]
    answer = api.upload("ann", ("photo.png", content))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert any("\u4e00" <= c <= "\u9fff" for c in answer.json()["error"]["message"])
    assert api.stored_files() == []
    assert api.client.get("/api/v1/studies", headers=api.as_("ann")).json()["items"] == []


@pytest.mark.parametrize("photo", [encoded(phantom(), "JPEG", exif=WITH_THUMBNAIL), two_in_one(phantom())])
def test_a_photo_with_a_film_behind_it_is_taken(api, photo):
    film = b"\0\0\0\x18ftypmp42" + bytes(range(254)) * 4000
    assert api.upload("ann", ("MVIMG.jpg", photo + film)).status_code == 202


def test_the_end_mark_is_found_where_two_chunks_meet(monkeypatch):
    photo = encoded(phantom(), "JPEG")
    monkeypatch.setattr(pictures, "_CHUNK_BYTES", 1)
    assert pictures.inspect(io.BytesIO(photo), 10**6, 10**6).media_type == "image/jpeg"


ODD_TAGS = {
    "a resolution of bytes": (tags(TURN, (0x011A, 7, 4, b"\1\2\3\4")), True),
    "a count beyond the data": (tags(TURN, (0x010F, 2, 9999, b"\xff\xff\0\0")), True),
    "no data": (b"Exif\0\0II*\0", False),
    "junk": (b"Exif\0\0" + bytes(range(200)), False),
    "a turn in letters": (tags((0x0112, 2, 4, b"six\0")), False),
    "two turns": (tags((0x0112, 3, 2, struct.pack("<HH", 6, 6))), True),
}


@pytest.mark.parametrize("name", ODD_TAGS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_odd_tags_cost_no_picture(name, kind):
    exif, turned = ODD_TAGS[name]
    wide = np.ascontiguousarray(phantom()[:400])
    assert pictures.decode(io.BytesIO(encoded(wide, kind, exif=exif))).shape[0] == (565 if turned else 400)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photo_is_set_upright(turn):
    pixels = pictures.decode(io.BytesIO(encoded(phantom(), exif=tags((0x0112, 3, 1, struct.pack("<I", turn))))))
    right = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: np.rot90,
    }
    assert (pixels == right[turn](phantom())).all()


def test_odd_tags_of_one_picture_cost_the_others_nothing(api):
    odd = encoded(phantom(), "JPEG", exif=ODD_TAGS["a resolution of bytes"][0])
    answer = api.upload("ann", ("odd.jpg", odd), ("good.png", GOOD))
    api.work()
    study = api.client.get(f"/api/v1/studies/{answer.json()['id']}", headers=api.as_("ann")).json()
    assert study["status"] == "succeeded"
    assert all(image["maskUrl"] for image in study["images"])


def test_one_bad_file_among_good_ones_refuses_all(api):
    answer = api.upload("ann", ("a.png", GOOD), ("b.png", b"nothing"))
    assert answer.status_code == 415
    assert api.stored_files() == []


@pytest.mark.parametrize(
    ("organ", "status", "code"),
    [("brain", 422, "organ_unknown"), ("", 422, "organ_unknown")],
)
def test_wrong_organ(api, organ, status, code):
    answer = api.upload("ann", ("a.png", GOOD), organ=organ)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert api.stored_files() == []


def test_an_organ_without_a_release(api, monkeypatch):
    monkeypatch.setattr(services.release, "newest", lambda organ: None)
    answer = api.upload("ann", ("a.png", GOOD), organ="liver")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "release_missing")
    assert api.stored_files() == []


def test_no_file_and_no_organ(api):
    assert api.client.post("/api/v1/studies", headers=api.as_("ann"), data={"organ": "retina"}).status_code in (
        400,
        422,
    )
    answer = api.client.post("/api/v1/studies", headers=api.as_("ann"), files={"file": ("a.png", GOOD)})
    assert answer.json()["error"]["code"] == "organ_missing"


def test_too_large_names_the_limit(api, monkeypatch):
    huge = b"\xff" * (api.settings.limits.upload_bytes + 2 * 1024 * 1024)
    answer = api.upload("ann", ("big.png", huge))
    assert answer.status_code == 413
    assert answer.json()["error"] == {
        "code": "study_too_large",
        "message": "图片超过 200 MB。",
        "detail": {"maxBytes": 200 * 1024 * 1024},
    }
    assert api.stored_files() == []


def test_good_upload_becomes_a_result(api):
    answer = api.upload("ann", ("眼底 张三.png", GOOD))
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert api.work() == 1
    study = api.client.get(f"/api/v1/studies/{answer.json()['id']}", headers=api.as_("ann")).json()
    assert study["status"] == "succeeded"
    assert study["findings"][0]["unit"] == "%"
    assert study["release"]["version"]
    image = study["images"][0]
    mask = decoded(api.client.get(image["maskUrl"], headers=api.as_("ann")).content)
    assert mask.shape == phantom().shape[:2]
    assert set(np.unique(mask)) == {0, 1}
    overlay = decoded(api.client.get(image["overlayUrl"], headers=api.as_("ann")).content)
    assert overlay.shape == phantom().shape
    saved = api.client.get(image["overlayUrl"], params={"download": "true"}, headers=api.as_("ann"))
    assert saved.headers["content-disposition"].startswith("attachment")


def submitted(api, organ: str, picture: bytes, careful: bool = False) -> dict:
    """One picture's study, done."""
    form, file = {"organ": organ, "careful": str(careful).lower()}, {"file": ("a.png", picture)}
    answer = api.client.post("/api/v1/studies", headers=api.as_("ann"), data=form, files=file)
    assert api.work() == 1
    return api.client.get(f"/api/v1/studies/{answer.json()['id']}", headers=api.as_("ann")).json()


def doubts(api, study: dict) -> np.ndarray:
    """The study's confidence map, uint8 (H, W, 4)."""
    return decoded(api.client.get(study["images"][0]["confidenceUrl"], headers=api.as_("ann")).content)


def test_a_film_has_its_lines_and_its_confidence(api):
    study = submitted(api, "chest", encoded(organ_phantom("chest")))
    image = study["images"][0]
    ratio = next(finding for finding in image["findings"] if finding["code"] == "cardiothoracic_ratio")
    assert all(0 <= x < 512 and 0 <= y < 512 for stroke in ratio["strokes"] for x, y in stroke["points"])
    assert image["confidence"]["level"] in ("low", "medium", "high")
    assert set(image["confidence"]["expectedDice"]) == {"lung", "heart"}
    shown = doubts(api, study)
    assert shown.shape == (512, 512, 4)
    assert 0 < (shown[..., 3] > 127).mean() < 0.5


def test_a_film_cut_off_below_is_not_measured_and_says_so(api, labelled):
    """Measured, a heart cut off reads as a small one. A real film: releases make different things of half a phantom."""
    film = load(labelled, ("jsrt",), "test")[0].image
    image = submitted(api, "chest", encoded(film[: int(0.6 * len(film))]))["images"][0]
    assert image["quality"]["status"] == "doubtful"
    assert "没有拍全" in image["quality"]["reasonsZh"][-1]
    assert image["findings"] == []


def test_the_careful_mode_looks_from_other_sides_as_well(api):
    careful, plain = (submitted(api, "retina", GOOD, careful) for careful in (True, False))
    assert (careful["careful"], plain["careful"]) == (True, False)
    assert (doubts(api, careful) != doubts(api, plain)).any(), "the careful mode changed nothing"


def test_damage_that_only_decoding_finds_fails_the_study_and_keeps_the_original(api):
    broken = bytearray(GOOD)
    middle = len(broken) // 2
    broken[middle : middle + 400] = b"\0" * 400
    answer = api.upload("ann", ("a.png", bytes(broken)))
    assert answer.status_code == 202
    api.work()
    study = api.client.get(f"/api/v1/studies/{answer.json()['id']}", headers=api.as_("ann")).json()
    assert (study["status"], study["error"]["code"]) == ("failed", "image_damaged")
    source = api.client.get(study["images"][0]["sourceUrl"], headers=api.as_("ann"))
    assert source.content == bytes(broken)


def test_blank_page_is_refused_with_a_reason(api):
    answer = api.upload("ann", ("blank.png", encoded(np.full((600, 600, 3), 255, np.uint8))))
    api.work()
    study = api.client.get(f"/api/v1/studies/{answer.json()['id']}", headers=api.as_("ann")).json()
    assert study["status"] == "refused"
    assert study["images"][0]["quality"]["reasonsZh"]
    assert study["images"][0]["maskUrl"] is None


def test_several_images_in_one_study_keep_their_order(api):
    flipped = encoded(np.ascontiguousarray(phantom()[:, ::-1]))
    answer = api.upload("ann", ("right.png", GOOD), ("left.png", flipped))
    api.work()
    study = api.client.get(f"/api/v1/studies/{answer.json()['id']}", headers=api.as_("ann")).json()
    assert [image["name"] for image in study["images"]] == ["right.png", "left.png"]
    assert study["status"] == "succeeded"
