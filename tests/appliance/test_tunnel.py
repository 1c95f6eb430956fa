"""What the tunnel's port lets in: the mini program's calls, as a plain user, and nothing else."""

import re
from types import SimpleNamespace

import httpx
import pytest

from appliance.app import create_app
from appliance.settings import LimitSettings, LlmSettings, Settings, TunnelSettings
from appliance.tunnel import EXPOSED, TunnelFilter, is_exposed, not_for_staff
from support.box import Box, free_port
from support.images import encoded, phantom
from webadmin.routes import routes as pages

TUNNEL_PORT = 9


@pytest.fixture
def settings(tmp_path):
    tunnel = TunnelSettings(port=TUNNEL_PORT, requests_per_minute=60)
    limits = LimitSettings(requests_per_minute=90)
    return Settings(data_dir=tmp_path, llm=LlmSettings(port=free_port()), tunnel=tunnel, limits=limits)


@pytest.fixture
def tunnel(api) -> SimpleNamespace:
    """The application with its pages as it is seen through the tunnel."""
    extra = pages(api.settings, api.database)
    app = create_app(api.settings, api.database, api.storage, api.engines, extra)
    filtered = TunnelFilter(app, TUNNEL_PORT)
    return SimpleNamespace(app=app, transport=httpx.ASGITransport(_at_port(filtered, TUNNEL_PORT)))


def _at_port(app, port):
    async def wrapped(scope, receive, send):
        await app({**scope, "server": ("127.0.0.1", port)}, receive, send)

    return wrapped


async def ask(tunnel, method, path, **more):
    async with httpx.AsyncClient(transport=tunnel.transport, base_url="http://tunnel") as client:
        return await client.request(method, path, **more)


def every_route(app) -> list[tuple[str, str]]:
    found = []
    for route in app.routes:
        for method in getattr(route, "methods", ["GET"]):
            found.append((method, route.path_format))
    return found


def line_of(method: str, path: str) -> str:
    return f"{method} {re.sub(r'{[^}]*}', '{}', path)}"


@pytest.mark.anyio
async def test_every_route_is_in_the_table_or_refused(api, tunnel):
    """With an admin's token: 404 with the body of a path that does not exist."""
    nowhere = (await ask(tunnel, "GET", "/no/such/path", headers=api.as_("boss"))).json()
    refused = 0
    for method, path in every_route(tunnel.app):
        if line_of(method, path) in EXPOSED:
            continue
        answer = await ask(tunnel, method, re.sub(r"{[^}]*}", "x1", path), headers=api.as_("boss"))
        if method == "HEAD":
            assert answer.status_code == 404, (method, path)
        else:
            # An admin's fixed word may look like an id of an exposed route: then it must not be answered as admin's.
            assert (answer.status_code, answer.json()) == (404, nowhere), (method, path)
        refused += 1
    assert refused > 80  # the pages, the admins' API, metrics, schema


def test_the_table_names_routes_that_exist(tunnel):
    there = {line_of(method, path) for method, path in every_route(tunnel.app)}
    missing = set(EXPOSED) - there
    assert missing <= {"DELETE /api/v1/me/data"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/admin"),
        ("GET", "/login"),
        ("GET", "/metrics"),
        ("GET", "/readyz"),
        ("GET", "/schema/openapi.json"),
        ("GET", "/api/v1/health"),
        ("GET", "/api/v1/accounts"),
        ("GET", "/api/v1/accounts/me/export"),
        ("GET", "/api/v1/consultations/export"),
        ("GET", "/api/v1/studies/../accounts"),
        ("GET", "/api/v1/studies/x/../../accounts"),
        ("GET", "/api/v1/studies/x%2Fimages"),
        ("GET", "/api/v1//studies"),
        ("GET", "/api/v1/studies/"),
        ("GET", "/API/v1/studies"),
        ("GET", "/api/v1/studies\n"),
        ("OPTIONS", "/api/v1/studies"),
        ("TRACE", "/api/v1/studies"),
        ("POST", "/api/v1/studies/samples"),
        ("GET", "/api/v1/sessions"),
        ("DELETE", "/api/v1/sessions/others"),
    ],
)
def test_what_is_not_listed_is_out(method, path):
    assert not is_exposed(method, path)


@pytest.mark.anyio
async def test_clinicians_and_admins_see_through_it_only_what_is_theirs(api, tunnel):
    study = api.upload("ann", ("a.png", encoded(phantom()))).json()["id"]
    for name in ("doc", "boss"):
        assert api.client.get(f"/api/v1/studies/{study}", headers=api.as_(name)).status_code == 200
        answer = await ask(tunnel, "GET", f"/api/v1/studies/{study}", headers=api.as_(name))
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "study_not_found")
        part = await ask(tunnel, "GET", f"/api/v1/studies/{study}/images/0/source", headers=api.as_(name))
        assert part.status_code == 404
    assert (await ask(tunnel, "GET", f"/api/v1/studies/{study}", headers=api.as_("ann"))).status_code == 200


@pytest.mark.anyio
async def test_staff_may_not_erase_their_patients_records_as_users(api, tunnel, monkeypatch):
    """Being users out there must not give clinicians what only users may; any exposed route stands for that one."""
    assert not_for_staff({"method": "DELETE", "path": "/api/v1/me/data"})
    monkeypatch.setattr("appliance.tunnel.NOT_FOR_STAFF", ("GET /api/v1/accounts/me",))
    for name in ("doc", "boss"):
        answer = await ask(tunnel, "GET", "/api/v1/accounts/me", headers=api.as_(name))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "staff_inside_only")
        assert api.client.get("/api/v1/accounts/me", headers=api.as_(name)).status_code == 200
    assert (await ask(tunnel, "GET", "/api/v1/accounts/me", headers=api.as_("ann"))).status_code == 200


@pytest.mark.anyio
async def test_each_account_has_its_own_pace(api, tunnel):
    answers = [(await ask(tunnel, "GET", "/api/v1/accounts/me", headers=api.as_("ann"))) for _ in range(62)]
    assert [each.status_code for each in answers[:60]] == [200] * 60
    assert answers[-1].status_code == 429
    assert answers[-1].json()["error"]["code"] == "too_many_requests"
    assert "Retry-After" in answers[-1].headers
    assert (await ask(tunnel, "GET", "/api/v1/accounts/me", headers=api.as_("bo"))).status_code == 200


def test_the_hospitals_own_port_has_a_pace_too(api):
    statuses = [api.client.get("/api/v1/headlines", headers=api.as_("ann")).status_code for _ in range(95)]
    assert statuses[:90] == [200] * 90
    assert 429 in statuses


def test_the_real_box_listens_on_both_ports(tmp_path):
    port = free_port()
    settings = {"XIANGYI_LLM_ENABLED": "false", "XIANGYI_TUNNEL_PORT": str(port)}
    box = Box(tmp_path / "box", settings).start()
    try:
        outside = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{box.url}/login").status_code == 200
        assert httpx.get(f"{outside}/healthz").status_code == 200
        for path in ("/", "/login", "/admin", "/metrics", "/readyz", "/static/css/base.css", "/api/v1/accounts"):
            answer = httpx.get(outside + path, headers={"Host": f"127.0.0.1:{box.port}", "X-Forwarded-Port": "1"})
            assert answer.status_code == 404, path
        with box.client() as admin:
            assert admin.get("/api/v1/accounts").status_code == 200
            assert admin.get(f"{outside}/api/v1/accounts").status_code == 404
            assert admin.get(f"{outside}/api/v1/accounts/me").json()["role"] == "user"
    finally:
        box.stop()
