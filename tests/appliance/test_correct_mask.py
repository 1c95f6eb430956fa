"""A corrected mask: who may hand one in, what is refused, what becomes of it, and that the model's own stays."""

import numpy as np
import pytest

from appliance.database import rows
from model.phantom import phantom as organ_phantom
from support.images import decoded, encoded, phantom

SHAPE = phantom().shape[:2]


@pytest.fixture
def study_id(api) -> str:
    study_id = api.upload("ann", ("a.png", encoded(phantom()))).json()["id"]
    api.work()
    return study_id


def hand_in(api, name: str, study_id: str, content: bytes, position: int = 0):
    path = f"/api/v1/studies/{study_id}/images/{position}/corrections"
    return api.client.post(path, headers={**api.as_(name), "Content-Type": "image/png"}, content=content)


def mask_of(share: float) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, : round(share * SHAPE[1])] = 1
    return mask


def read(api, name: str, path: str):
    return api.client.get(path, headers=api.as_(name))


def test_a_correction_is_measured_and_the_models_own_stays(api, study_id):
    before = read(api, "ann", f"/api/v1/studies/{study_id}").json()
    model_mask = read(api, "ann", before["images"][0]["maskUrl"]).content
    answer = hand_in(api, "ann", study_id, encoded(mask_of(0.5)))
    assert (answer.status_code, answer.json()["status"], answer.json()["maskUrl"]) == (202, "queued", None)
    assert api.work() == 1
    after = read(api, "ann", f"/api/v1/studies/{study_id}").json()
    made = after["images"][0]["corrections"][0]
    assert (made["number"], made["by"], made["status"]) == (1, "ann", "succeeded")
    assert (decoded(read(api, "ann", made["maskUrl"]).content) == mask_of(0.5)).all()
    density = {f["code"]: f["value"] for f in made["findings"]}["vessel_density"]
    assert 40 < density < 60
    assert after["correctedFindings"] == made["findings"]
    assert after["findings"] == before["findings"], "what the model found must not change"
    assert read(api, "ann", after["images"][0]["maskUrl"]).content == model_mask
    overlay = decoded(read(api, "ann", made["overlayUrl"]).content)
    assert overlay.shape == phantom().shape
    left, right = overlay[300, 100].astype(int), phantom()[300, 100].astype(int)
    assert abs(left - right).max() > 40, "the corrected half is not tinted"
    assert b"AIGC" in read(api, "ann", made["overlayUrl"]).content


def test_versions_are_numbered_and_the_newest_holds(api, study_id):
    for share in (0.25, 0.75):
        hand_in(api, "doc", study_id, encoded(mask_of(share)))
    api.work()
    path = f"/api/v1/studies/{study_id}/images/0/corrections"
    items = read(api, "ann", path).json()["items"]
    assert [(item["number"], item["by"]) for item in items] == [(1, "doc"), (2, "doc")]
    study = read(api, "ann", f"/api/v1/studies/{study_id}").json()
    assert study["correctedFindings"] == items[1]["findings"]
    # Taken back, the one before holds again; its number is not given twice.
    taken = api.client.delete(f"{path}/{items[1]['id']}", headers=api.as_("doc"))
    assert taken.status_code == 204
    assert read(api, "ann", f"{path}/{items[1]['id']}").json()["error"]["code"] == "correction_not_found"
    study = read(api, "ann", f"/api/v1/studies/{study_id}").json()
    assert study["correctedFindings"] == items[0]["findings"]
    assert hand_in(api, "doc", study_id, encoded(mask_of(0.1))).json()["number"] == 3
    assert len(api.database.read(lambda db: rows(db, "SELECT id FROM corrections"))) == 3


@pytest.mark.parametrize(("name", "status"), [("ann", 202), ("bo", 404), ("doc", 202), ("boss", 202)])
def test_who_may_correct(api, study_id, name, status):
    assert hand_in(api, name, study_id, encoded(mask_of(0.5))).status_code == status


@pytest.mark.parametrize(("name", "status"), [("ann", 403), ("bo", 404), ("doc", 204), ("boss", 204)])
def test_who_may_take_one_back(api, study_id, name, status):
    made = hand_in(api, "doc", study_id, encoded(mask_of(0.5))).json()
    path = f"/api/v1/studies/{study_id}/images/0/corrections/{made['id']}"
    assert api.client.delete(path, headers=api.as_(name)).status_code == status


BAD = {
    "no picture": (b"<script>alert(1)</script>", 415, "image_type_unsupported"),
    "empty": (b"", 422, "file_empty"),
    "another size": (encoded(mask_of(0.5)[:-1]), 422, "mask_size"),
    "a JPEG": (encoded(mask_of(0.5), "JPEG"), 415, "mask_type_unsupported"),
    "cut off": (encoded(mask_of(0.5))[:-30], 422, "image_damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_masks_are_refused_at_once(api, study_id, name):
    content, status, code = BAD[name]
    stored = len(api.stored_files())
    answer = hand_in(api, "ann", study_id, content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(api.stored_files()) == stored


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        (np.full(SHAPE, 7, np.uint8), "mask_values"),
        (np.zeros((*SHAPE, 3), np.uint8), "mask_type"),
        (np.zeros(SHAPE, np.uint16), "mask_type"),
    ],
)
def test_what_only_decoding_finds_fails_the_correction_alone(api, study_id, mask, code):
    made = hand_in(api, "ann", study_id, encoded(mask)).json()
    api.work()
    found = read(api, "ann", f"/api/v1/studies/{study_id}/images/0/corrections/{made['id']}").json()
    assert (found["status"], found["error"]["code"], found["maskUrl"]) == ("failed", code, None)
    study = read(api, "ann", f"/api/v1/studies/{study_id}").json()
    assert (study["status"], study["correctedFindings"]) == ("succeeded", None)


def test_places_that_are_not_there(api, study_id):
    assert hand_in(api, "ann", study_id, encoded(mask_of(0.5)), 3).json()["error"]["code"] == "image_not_found"
    assert hand_in(api, "ann", "x", encoded(mask_of(0.5))).json()["error"]["code"] == "study_not_found"
    fresh = api.upload("ann", ("a.png", encoded(phantom()))).json()["id"]
    assert hand_in(api, "ann", fresh, encoded(mask_of(0.5))).json()["error"]["code"] == "correction_too_early"
    made = hand_in(api, "ann", study_id, encoded(mask_of(0.5))).json()
    path = f"/api/v1/studies/{study_id}/images/0/corrections/{made['id']}"
    assert read(api, "ann", f"{path}/mask").json()["error"]["code"] == "part_missing"
    assert read(api, "ann", f"{path}/source").json()["error"]["code"] == "part_unknown"


def test_each_step_leaves_an_audit_row(api, study_id):
    made = hand_in(api, "doc", study_id, encoded(mask_of(0.5))).json()
    api.work()
    path = f"/api/v1/studies/{study_id}/images/0/corrections/{made['id']}"
    read(api, "doc", path)
    read(api, "doc", f"{path}/overlay")
    api.client.delete(path, headers=api.as_("doc"))
    found = api.database.read(lambda db: rows(db, "SELECT action FROM audit_rows WHERE subject = ?", made["id"]))
    assert [row["action"].removeprefix("correction.") for row in found] == ["create", "read", "read_overlay", "delete"]


def test_a_corrected_liver_has_its_lesion_counted_anew(api):
    content = encoded(organ_phantom("liver"))
    study_id = api.upload("ann", ("a.png", content), organ="liver").json()["id"]
    api.work()
    mask = np.zeros(organ_phantom("liver").shape[:2], np.uint8)
    mask[100:300, 100:300] = 1
    mask[150:180, 150:180] = 2
    hand_in(api, "ann", study_id, encoded(mask))
    api.work()
    made = read(api, "ann", f"/api/v1/studies/{study_id}").json()["images"][0]["corrections"][0]
    counted = next(finding for finding in made["findings"] if finding["code"] == "lesion_count")
    assert counted["value"] == 1
    assert counted["strokes"][0]["closed"]


@pytest.mark.parametrize("organ", ["retina", "chest", "liver"])
def test_a_sample_is_drawn_by_the_box_and_says_so(api, organ):
    answer = api.client.post("/api/v1/studies/samples", headers=api.as_("ann"), json={"organ": organ})
    assert answer.status_code == 202
    api.work()
    study = read(api, "ann", f"/api/v1/studies/{answer.json()['id']}").json()
    assert (study["status"], study["source"]) == ("succeeded", "sample")
    overlay = decoded(read(api, "ann", study["images"][0]["overlayUrl"]).content)
    height, width = overlay.shape[:2]
    plate = overlay[int(height * 0.93) :, : width // 6].astype(int)
    assert (plate < 60).mean() > 0.5 and (plate > 200).mean() > 0.05, "no words on a plate in the lower left corner"
    assert "演示样例" in study["images"][0]["name"]
    wrong = api.client.post("/api/v1/studies/samples", headers=api.as_("ann"), json={"organ": "brain"})
    assert wrong.json()["error"]["code"] == "organ_unknown"
