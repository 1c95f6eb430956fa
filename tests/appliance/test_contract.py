"""What holds for every route: one error body, a login, no torch behind it."""

import json
import re
import subprocess
import sys

import pytest

from appliance.app import create_app
from appliance.engines import Engines
from appliance.knowledge.services import bring_up_to_date
from appliance.settings import Settings
from appliance.storage import Storage
from support.images import encoded, phantom

PUBLIC = {("post", "/api/v1/sessions"), ("post", "/api/v1/sessions/wechat"), ("get", "/api/v1/pictures/{sha256}")}


def routes(api) -> list[tuple[str, str]]:
    schema = api.client.get("/schema/openapi.json", headers=api.as_("ann")).json()
    return [(method, path) for path, item in schema["paths"].items() for method in item]


def filled(path: str) -> str:
    known = path.replace("{position}", "0").replace("{part}", "view")
    return re.sub(r"\{\w+\}", "x", known)


def assert_error_body(answer) -> None:
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "detail"}
    assert error["code"].replace("_", "").isalnum()
    assert any("\u4e00" <= c <= "\u9fff" for c in error["message"])
    assert "Traceback" not in answer.text


def test_schema_lists_the_contract(api):
    found = set(routes(api))
    for expected in (
        ("post", "/api/v1/sessions"),
        ("post", "/api/v1/studies"),
        ("get", "/api/v1/studies/{study_id}"),
        ("post", "/api/v1/consultations"),
    ):
        assert expected in found


def test_every_route_wants_a_login(api):
    api.client.cookies.clear()
    for method, path in routes(api):
        if (method, path) in PUBLIC:
            continue
        answer = api.client.request(method, filled(path), json={} if method == "post" else None)
        assert answer.status_code == 401, (method, path)
        assert_error_body(answer)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/api/v1/sessions", b"{broken"),
        ("post", "/api/v1/sessions", b'{"username": 3}'),
        ("post", "/api/v1/sessions", b"x" * 300_000),
        ("post", "/api/v1/consultations", b'{"question": "  "}'),
        ("post", "/api/v1/consultations", json.dumps({"question": "长" * 1001}).encode()),
        ("get", "/api/v1/studies/x?wait=-1", None),
        ("get", "/api/v1/studies/x?wait=nan", None),
        ("get", "/api/v1/studies/x?wait=9999", None),
        ("get", "/api/v1/studies/x/images/abc/view", None),
        ("get", "/api/v1/nowhere", None),
        ("put", "/api/v1/studies", b"{}"),
    ],
)
def test_bad_requests_get_the_one_error_body(api, method, path, body):
    answer = api.client.request(
        method, path, content=body, headers={**api.as_("ann"), "Content-Type": "application/json"}
    )
    assert 400 <= answer.status_code < 500
    assert_error_body(answer)


HUGE = "99999999999999999999"


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/studies/{{study}}/images/{HUGE}/mask",
        f"/api/v1/studies/{{study}}/images/{HUGE}/corrections",
        f"/api/v1/comparisons/x/images/{HUGE}/active",
        f"/api/v1/documents?offset={HUGE}",
        f"/api/v1/admin/consultations?rating={HUGE}",
        f"/api/v1/admin/consultations/export?rating=-{HUGE}",
        f"/api/v1/releases/{'a' * 3000}/1.0.0",
        f"/api/v1/releases/retina/{'a' * 3000}",
        "/api/v1/releases/%2E%2E/1.0.0",
    ],
)
def test_numbers_and_names_beyond_all_bounds_are_the_askers_mistake(api, path):
    study = api.upload("ann", ("a.png", encoded(phantom()))).json()["id"]
    answer = api.client.get(path.format(study=study), headers=api.as_("boss"))
    assert answer.status_code in (404, 422)
    assert_error_body(answer)


def test_a_correction_of_a_picture_beyond_all_bounds(api):
    study = api.upload("ann", ("a.png", encoded(phantom()))).json()["id"]
    url, headers = f"/api/v1/studies/{study}/images/{HUGE}/corrections", api.as_("ann")
    for method, path in (("post", url), ("delete", f"{url}/x"), ("get", f"{url}/x"), ("get", f"{url}/x/mask")):
        answer = api.client.request(method, path, headers=headers, content=encoded(phantom()[..., 0]))
        assert 400 <= answer.status_code < 500, (method, path)


def test_a_roll_back_of_an_organ_beyond_all_bounds(api):
    answer = api.client.post(f"/api/v1/releases/{'a' * 3000}/rollback", headers=api.as_("boss"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "release_no_previous")


def part(head: bytes, content: bytes) -> bytes:
    return b"--x\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + content + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("sessions", "application/json", b'{"username":' + b"[" * 5000),
        ("sessions", "application/json", b'{"username":' + b'{"a":' * 5000),
        ("studies", "multipart/form-data; boundary=x", part(b'name="file"; filename=""', b"\x89PNG\xff\xd9")),
        (
            "studies",
            "multipart/form-data; boundary=x",
            part(b'name="organ"\r\nContent-Type: text/plain; charset=odd', b"a"),
        ),
        ("documents", "multipart/form-data; boundary=x", part(b'name="file"; filename=""', b"\xff\xfe")),
        ("documents", "multipart/form-data; boundary=x", part(b'name="file"', b"text")),
    ],
)
def test_a_body_that_the_framework_trips_over_is_the_senders_mistake(api, path, kind, body):
    answer = api.client.post(f"/api/v1/{path}", content=body, headers={**api.as_("boss"), "Content-Type": kind})
    assert 400 <= answer.status_code < 500
    assert_error_body(answer)


def test_an_unforeseen_error_tells_nothing_of_the_inside(api, monkeypatch):
    monkeypatch.setattr("appliance.studies.services.list_own", lambda *_: 1 / 0)
    answer = api.client.get("/api/v1/studies", headers=api.as_("ann"))
    assert answer.status_code == 500
    assert_error_body(answer)
    assert "division" not in answer.text


def test_without_the_language_model_the_passage_answers_and_emergencies_get_advice(api):
    bring_up_to_date(api.database)
    ask = {"url": "/api/v1/consultations", "headers": api.as_("ann")}
    answer = api.client.post(**ask, json={"question": "高血压平时怎么吃"}).json()
    assert (answer["source"], answer["model"]) == ("passages", "")
    assert answer["sources"][0]["passage"] in answer["answer"]
    urgent = api.client.post(**ask, json={"question": "我爸突然口角歪斜，说话不清"})
    assert urgent.status_code == 201
    assert urgent.json()["triage"]["level"] == "emergency"
    assert "120" in urgent.json()["answer"]
    assert urgent.json()["source"] == "triage"
    assert "AI" not in urgent.json()["disclaimer"]


def test_probes_are_open_and_metrics_are_prometheus(api):
    api.client.cookies.clear()
    assert api.client.get("/healthz").json() == {"status": "ok"}
    assert api.client.get("/readyz").status_code == 503
    assert "xiangyi_workers" in api.client.get("/metrics").text


def test_served_app_loads_no_torch_and_no_native_engine():
    code = "import appliance.web, sys; print([m for m in ('torch', 'openvino', 'onnxruntime') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_worker_loads_no_torch():
    code = "import appliance.worker, model.inference, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_two_apps_do_not_share_state(tmp_path, database, settings):
    first = create_app(settings, database, Storage(tmp_path / "a"), Engines(settings))
    second = create_app(Settings(data_dir=tmp_path / "b"), database, Storage(tmp_path / "c"), Engines(settings))
    assert first.state.settings is not second.state.settings
