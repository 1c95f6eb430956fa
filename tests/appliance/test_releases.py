"""Releases come in hostile or sound, are proven apart, served without a restart, and rolled back."""

import io
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from appliance import leftovers
from appliance.database import row
from appliance.releases import archive
from appliance.releases.archive import ReleaseRefused, unpack
from appliance.releases.services import bring_back_lost
from appliance.studies.command import segment_files
from appliance.studies.orders import Order
from model.card import seal
from support.box import ROOT, Box
from support.images import encoded, phantom
from support.releases import candidate, drifting, edited, tarred, zipped


def upload(api, content: bytes, name: str = "release.zip", who: str = "boss"):
    return api.client.post("/api/v1/releases", headers=api.as_(who), files={"file": (name, content)})


def proven(api, content: bytes) -> dict:
    """Upload, let the worker prove it, and tell the verdict."""
    came = upload(api, content)
    assert came.status_code == 202, came.text
    assert came.json()["state"] == "checking"
    api.work()
    return api.client.get(f"/api/v1/releases/arrivals/{came.json()['id']}", headers=api.as_("boss")).json()


def organ(api, name: str = "retina") -> dict:
    found = api.client.get("/api/v1/releases", headers=api.as_("boss")).json()
    return next(each for each in found["organs"] if each["organ"] == name)


def activate(api, version: str):
    return api.client.post(f"/api/v1/releases/retina/{version}/activation", headers=api.as_("boss"))


def made_by(api) -> str:
    study = api.upload("ann", ("eye.png", encoded(phantom()))).json()["id"]
    api.work()
    done = api.client.get(f"/api/v1/studies/{study}", headers=api.as_("ann")).json()
    assert done["status"] == "succeeded", done
    return done["release"]["version"]


def test_an_upload_is_proven_activated_serves_the_next_study_and_is_rolled_back(api, tmp_path):
    before = organ(api)["active"]
    assert made_by(api) == before
    assert proven(api, zipped(candidate(tmp_path), "retina-9.0.0/"))["state"] == "ready"
    assert organ(api)["active"] == before
    queued = api.upload("ann", ("eye.png", encoded(phantom()))).json()["id"]
    assert activate(api, "9.0.0").status_code == 204
    api.work()
    kept = api.client.get(f"/api/v1/studies/{queued}", headers=api.as_("ann")).json()
    assert (kept["status"], kept["release"]["version"]) == ("succeeded", "9.0.0")
    assert activate(api, "9.0.0").json()["error"]["code"] == "release_active"
    back = api.client.post("/api/v1/releases/retina/rollback", headers=api.as_("boss"))
    assert back.json() == {"version": before}
    assert made_by(api) == before
    actions = api.database.read(lambda db: [each["action"] for each in db.query("SELECT action FROM audit_rows")])
    assert {"release.upload", "release.activate", "release.roll_back"} <= set(actions)


def test_an_uploaded_release_is_deleted_but_not_the_served_one_nor_a_built_in(api, tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "FRESH_S", -1)
    before = organ(api)["active"]
    assert proven(api, zipped(candidate(tmp_path, "9.0.0")))["state"] == "ready"
    activate(api, "9.0.0")
    api.work()

    def remove(version: str, who: str = "boss"):
        return api.client.delete(f"/api/v1/releases/retina/{version}", headers=api.as_(who))

    assert remove("9.0.0").json()["error"]["code"] == "release_active"
    assert remove(before).json()["error"]["code"] == "release_built_in"
    assert remove("0.0.1").status_code == 404 and remove("9.0.0", "doc").status_code == 403
    activate(api, before)
    assert organ(api)["previous"] == "9.0.0"
    assert remove("9.0.0").status_code == 204
    told = organ(api)
    assert (told["active"], told["previous"], told["problem"]) == (before, None, None)
    assert "9.0.0" not in [each["version"] for each in told["releases"]]
    leftovers.sweep(api.database, api.storage)
    assert [path for path in api.settings.files_dir.rglob("*") if path.is_file()] == [], "its archive is still there"
    assert made_by(api) == before
    assert proven(api, zipped(candidate(tmp_path / "again", "9.0.0")))["state"] == "ready", "it may come again"


def test_the_terminal_segments_with_the_release_that_is_served(api, tmp_path):
    older = next(each["version"] for each in organ(api)["releases"] if not each["active"])
    (tmp_path / "eye.png").write_bytes(encoded(phantom()))
    activate(api, older)
    done = segment_files(api.settings, Order("retina"), (tmp_path / "eye.png",), tmp_path / "out")
    assert done["results"][0]["release"]["version"] == older


def test_a_tar_serves_as_well_and_its_card_and_hashes_are_told(api, tmp_path):
    assert proven(api, tarred(candidate(tmp_path)))["version"] == "9.0.0"
    told = api.client.get("/api/v1/releases/retina/9.0.0", headers=api.as_("boss")).json()
    assert told["origin"] == "uploaded" and "attention U-Net" in told["card"]
    assert told["figures"] and "model.onnx" in told["files"]


def test_what_drifts_is_mislabelled_or_damaged_is_refused_with_the_reason(api, tmp_path):
    other = [{"index": 1, "name": "vessel", "nameZh": "神经", "colour": "#00E5A8"}]
    damaged = candidate(tmp_path / "c", "9.0.3")
    (damaged / "CARD.md").write_text("changed")
    missing = candidate(tmp_path / "d", "9.0.4")
    (missing / "golden.npz").unlink()
    broken = candidate(tmp_path / "e", "9.0.5")
    (broken / "model-int8.xml").write_text("<net/>")
    seal(broken)
    for folder, reason in (
        (drifting(tmp_path / "a"), "漂移"),
        (edited(candidate(tmp_path / "b", "9.0.2"), labels=other), "标签与部位不符"),
        (damaged, "校验值与清单不符"),
        (missing, "不在压缩包中"),
        (broken, "模型"),
        (candidate(tmp_path / "f", "../../x"), "版本号不合要求"),
        (edited(candidate(tmp_path / "g", "9.0.7"), organ="brain"), "不认识"),
    ):
        verdict = proven(api, zipped(folder))
        assert verdict["state"] == "refused"
        assert reason in verdict["reason"]
    assert [each["version"] for each in organ(api)["releases"] if each["origin"] == "uploaded"] == []
    assert list(api.settings.releases_dir.glob(".incoming-*")) == []


def test_a_version_that_exists_is_refused(api, tmp_path):
    known = organ(api)["active"]
    assert "已经存在" in proven(api, zipped(candidate(tmp_path, known)))["reason"]


def archive_of(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind in ("escape", "deep", "bomb", "no manifest", "twice"):
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            name = {"escape": "../../evil.txt", "deep": "a/b/release.json", "bomb": "release.json"}.get(kind, "a.txt")
            packed.writestr(name, b"\0" * (3_000_000 if kind == "bomb" else 3))
            if kind == "twice":
                packed.writestr("b/a.txt", b"x")
    elif kind == "zip link":
        with zipfile.ZipFile(buffer, "w") as packed:
            link = zipfile.ZipInfo("release.json")
            link.external_attr = 0o120777 << 16
            packed.writestr(link, "/etc/passwd")
    elif kind in ("link", "device", "absolute"):
        with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
            info = tarfile.TarInfo("/etc/passwd" if kind == "absolute" else "release.json")
            info.type = {"link": tarfile.SYMTYPE, "device": tarfile.CHRTYPE}.get(kind, tarfile.REGTYPE)
            info.linkname = "/etc/passwd"
            packed.addfile(info, io.BytesIO(b"") if kind == "absolute" else None)
    else:
        buffer.write(b"PK\x03\x04 not an archive")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "kind",
    ["escape", "deep", "bomb", "no manifest", "twice", "zip link", "link", "device", "absolute", "garbage"],
)
def test_hostile_archives_write_nothing_outside_and_are_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(archive, "MAX_BYTES", 1_000_000)
    (tmp_path / "in").write_bytes(archive_of(kind))
    with pytest.raises(ReleaseRefused):
        unpack(tmp_path / "in", tmp_path / "deep" / "out")
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "out"]
    assert [path.name for path in outside] == ["in"]


def test_a_release_that_no_longer_loads_falls_back_and_says_so(api, tmp_path):
    before = organ(api)["active"]
    proven(api, zipped(candidate(tmp_path)))
    activate(api, "9.0.0")
    with (api.settings.releases_dir / "retina" / "9.0.0" / "model-int8.bin").open("r+b") as file:
        file.write(b"damage")
    assert made_by(api) == before
    told = organ(api)
    assert told["active"] == before
    assert "9.0.0 未能启用" in told["problem"] and "校验值" in told["problem"]


def test_a_lost_folder_is_unpacked_anew_from_the_archive(api, tmp_path):
    proven(api, zipped(candidate(tmp_path)))
    activate(api, "9.0.0")
    shutil.rmtree(api.settings.releases_dir)
    bring_back_lost(api.database, api.storage, api.settings.releases_dir)
    assert made_by(api) == "9.0.0"


def test_two_releases_are_compared_on_a_study(api):
    study = api.upload("ann", ("eye.png", encoded(phantom()))).json()["id"]
    api.work()
    ask = {"organ": "retina", "version": "2.2.0-benchmark", "studyIds": [study]}
    started = api.client.post("/api/v1/comparisons", headers=api.as_("boss"), json=ask)
    assert started.status_code == 202 and started.json()["status"] == "queued"
    api.work()
    done = api.client.get(f"/api/v1/comparisons/{started.json()['id']}", headers=api.as_("boss")).json()
    assert done["status"] == "succeeded", done
    assert 0.5 < done["dice"]["血管"] < 1
    image = done["images"][0]
    for side in ("candidateUrl", "activeUrl"):
        picture = api.client.get(image[side], headers=api.as_("boss"))
        assert picture.content[:3] == b"\xff\xd8\xff"
    assert api.client.get(image["activeUrl"], headers=api.as_("doc")).status_code == 403
    sql = "SELECT count(*) AS n FROM audit_rows WHERE subject = ? AND action LIKE 'study.read%'"
    assert api.database.read(lambda db: row(db, sql, study))["n"] == 3


def test_bad_comparisons_are_refused(api):
    chest = organ(api, "chest")["active"]
    study = api.upload("ann", ("eye.png", encoded(phantom()))).json()["id"]
    for ask, status in (
        ({"organ": "retina", "version": "2.2.0-benchmark", "studyIds": []}, 422),
        ({"organ": "chest", "version": chest, "studyIds": [study]}, 422),
        ({"organ": "retina", "version": "7.7.7", "studyIds": [study]}, 404),
        ({"organ": "retina", "version": "2.2.0", "studyIds": [study]}, 409),
        ({"organ": "retina", "version": "2.2.0-benchmark", "studyIds": ["nope"]}, 404),
    ):
        answer = api.client.post("/api/v1/comparisons", headers=api.as_("boss"), json=ask)
        assert answer.status_code == status, ask


@pytest.mark.parametrize("who", ["ann", "doc"])
def test_only_admins_touch_releases(api, who):
    assert upload(api, b"x", who=who).status_code == 403
    for method, path in (
        ("get", "/api/v1/releases"),
        ("get", "/api/v1/releases/retina/2.2.0"),
        ("post", "/api/v1/releases/retina/2.2.0-benchmark/activation"),
        ("post", "/api/v1/releases/retina/rollback"),
        ("get", "/api/v1/comparisons/x"),
    ):
        assert api.client.request(method, path, headers=api.as_(who)).status_code == 403


def test_nothing_to_roll_back_and_unknown_versions_are_told(api):
    back = api.client.post("/api/v1/releases/retina/rollback", headers=api.as_("boss"))
    assert (back.status_code, back.json()["error"]["code"]) == (404, "release_no_previous")
    assert activate(api, "..").status_code == 404
    assert api.client.post("/api/v1/releases", headers=api.as_("boss"), files={"other": b"x"}).status_code == 422


def xiangyi(folder, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "appliance", "release", *arguments]
    return subprocess.run(command, env=Box(folder).environment, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_command_line_lists_installs_activates_and_rolls_back(tmp_path):
    data, sound, wrong = tmp_path / "data", tmp_path / "sound.zip", tmp_path / "wrong.zip"
    sound.write_bytes(zipped(candidate(tmp_path / "a")))
    wrong.write_bytes(zipped(drifting(tmp_path / "b", "9.0.1")))
    refused = xiangyi(data, "install", str(wrong))
    assert refused.returncode == 1 and "漂移" in refused.stderr and "Traceback" not in refused.stderr
    assert "xiangyi release activate retina 9.0.0" in xiangyi(data, "install", str(sound)).stdout
    assert xiangyi(data, "activate", "retina", "9.0.0").returncode == 0
    assert "使用中  retina  9.0.0" in xiangyi(data, "list").stdout
    assert "已退回 retina 2.2.0" in xiangyi(data, "rollback", "retina").stdout
    assert "找不到" in xiangyi(data, "activate", "retina", "8.8.8").stderr
