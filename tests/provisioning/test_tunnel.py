"""The mini program's tunnel: a phone, a relay, a router that hides the hospital, and a box; cables are pulled."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from support.box import ROOT
from support.wires import Place, cable, tools

ROLES = ROOT / "provisioning/roles"
NAME, OTHER = "box7.example.org", "other.example.org"
VARIABLES = {
    "ansible_managed": "test",
    "tunnel_prefix": "10.77",
    "tunnel_port": 51820,
    "tunnel_box_port": 8443,
    "tunnel_number": 7,
    "tunnel_name": NAME,
    "tunnel_box_relay": "10.1.0.1",
    "tunnel_relay_bytes_per_second": "4m",
    "tunnel_relay_connections": 30,
    "tunnel_relay_new_per_second": 20,
    "tunnel_box_requests_per_second": 10,
    "tunnel_box_local_port": 8082,
    "tunnel_box_upload": "30m",
}
# Stands where the box serves the mini program: says what it was asked, and by whom as it was told.
ECHO = """
import http.server, json
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"path": self.path, "from": self.headers.get_all("X-Forwarded-For")}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8082), Echo).serve_forever()
"""


@dataclass
class World:
    folder: Path
    phone: Place
    relay: Place
    router: Place
    box: Place

    def ask(self, path: str = "/healthz", name: str = NAME, *more: str, wait_s: float = 1.0) -> tuple[int, str]:
        """The phone asks; status 0 is no answer."""
        target = ["--resolve", f"{name}:443:10.1.0.1", "--cacert", str(self.folder / "box.crt")]
        told = ["--silent", "--max-time", str(wait_s), "--write-out", "\n%{http_code}"]
        words = self.phone.run("curl", *target, *told, *more, f"https://{name}{path}", check=False)
        body, _, status = words.rpartition("\n")
        return int(status or 0), body

    def back_after(self, within_s: float) -> float:
        """Seconds until the phone is answered again."""
        began = time.monotonic()
        while self.ask()[0] != 200:
            assert time.monotonic() - began < within_s, self.logs()
        return time.monotonic() - began

    def logs(self) -> str:
        state = "".join(place.run("wg", "show", check=False) for place in (self.relay, self.box))
        return state + "\n".join(
            f"{path.name}: {path.read_text()[-800:]}" for path in sorted(self.folder.rglob("*.log"))
        )


def rendered(folder: Path, role: str, template: str, **more: Any) -> Path:
    """A role's template as Ansible would write it, with its paths below `folder`."""
    loader = FileSystemLoader(ROLES / role / "templates")
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    text = environment.get_template(template).render(**VARIABLES, **more)
    target = folder / template.removesuffix(".j2")
    target.write_text(text.replace("/etc/wireguard", str(folder)).replace("/var/log/nginx", str(folder)))
    return target


def key(place: Place, folder: Path) -> str:
    """A key of its own; returns the public one."""
    secret = place.run("wg", "genkey")
    (folder / "xiangyi0.key").write_text(secret)
    return place.run("sh", "-c", f"wg pubkey <{folder}/xiangyi0.key").strip()


def web_server(place: Place, folder: Path, inner: str, before: str = "") -> None:
    conf = folder / "nginx.conf"
    conf.write_text(f"{before}daemon off;\npid {folder}/nginx.pid;\nevents {{}}\n{inner}\n")
    place.start("nginx", "-p", folder, "-e", folder / "nginx.log", "-c", conf, log=folder / "nginx-out.log")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """All of it, up and connected."""
    found = tools()
    if isinstance(found, str):
        pytest.skip(f"no tunnel here: {found}")
    folder = tmp_path_factory.mktemp("world")
    folder.parent.chmod(0o755)  # nginx's workers are another user
    places = [Place(name, found) for name in ("phone", "relay", "router", "box")]
    made = World(folder, *places)
    try:
        lay_cables(made)
        connect(made, found)
        made.back_after(30)
        yield made
    finally:
        for place in places:
            place.run("ip", "link", "del", "xiangyi0", check=False)  # wireguard-go ends with its device
            place.off()


def lay_cables(world: World) -> None:
    phone, relay, router, box = world.phone, world.relay, world.router, world.box
    cable(phone, "p0", relay, "r0")
    cable(relay, "r1", router, "w0")
    cable(router, "l0", box, "b0")
    for place, device, address in (
        (phone, "p0", "10.1.0.2/24"),
        (relay, "r0", "10.1.0.1/24"),
        (relay, "r1", "10.2.0.1/24"),
        (router, "w0", "10.2.0.2/24"),
        (router, "l0", "192.168.7.1/24"),
        (box, "b0", "192.168.7.2/24"),
    ):
        place.address(device, address)
    router.run("ip", "route", "add", "default", "via", "10.2.0.1")
    box.run("ip", "route", "add", "default", "via", "192.168.7.1")
    router.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    rules = "table ip n { chain p { type nat hook postrouting priority 100; oifname w0 masquerade; }; }"
    router.run("nft", rules)


def connect(world: World, found: Path) -> None:
    """Both roles' files, on both ends."""
    folders = {name: world.folder / name for name in ("relay", "box")}
    for folder in folders.values():
        folder.mkdir()
    public = {name: key(getattr(world, name), folder) for name, folder in folders.items()}
    boxes = [{"host": "b", "name": NAME, "upstream": "box7", "public": public["box"], "address": "10.77.0.7"}]
    boxes[0]["ssh_port"] = "20007"
    rendered(folders["relay"], "tunnel_relay", "xiangyi0.conf.j2", tunnel_relay_boxes=boxes).chmod(0o600)
    stream = rendered(folders["relay"], "tunnel_relay", "stream.conf.j2", tunnel_relay_boxes=boxes)
    world.relay.run("nft", "--file", rendered(folders["relay"], "tunnel_relay", "relay.nft.j2"))
    rendered(folders["box"], "tunnel_box", "xiangyi0.conf.j2", tunnel_box_relay_public=public["relay"]).chmod(0o600)
    world.relay.run("wg-quick", "up", folders["relay"] / "xiangyi0.conf")
    world.box.run("wg-quick", "up", folders["box"] / "xiangyi0.conf")
    certificate = {
        "tunnel_box_certificate": world.folder / "box.crt",
        "tunnel_box_certificate_key": folders["box"] / "box.key",
    }
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},DNS:{OTHER}"]
    out = ["-keyout", folders["box"] / "box.key", "-out", world.folder / "box.crt"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject, *out],
        check=True,
        capture_output=True,
    )
    site = rendered(folders["box"], "tunnel_box", "site-tunnel.conf.j2", **certificate)
    world.box.start(sys.executable, "-c", ECHO, log=folders["box"] / "echo.log")
    kept = [
        f"{what}_temp_path {folders['box']}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    web_server(world.box, folders["box"], f"http {{ access_log off; {' '.join(kept)} include {site}; }}")
    load = f"load_module {found}/usr/lib/nginx/modules/ngx_stream_module.so;\n"
    web_server(world.relay, folders["relay"], f"include {stream};", load)
    watch = folders["box"] / "watch"
    shutil.copy2(ROLES / "tunnel_box/files/xiangyi-tunnel-watch", watch)
    conf = f"XIANGYI_TUNNEL_CONF={folders['box']}/xiangyi0.conf"
    # as the unit does: it ends, root greets the relay anew, and it watches on
    unit = f"while :; do {watch} watch xiangyi0 10.77.0.1; {watch} greet xiangyi0; sleep 0.5; done"
    world.box.start("env", conf, "sh", "-c", unit, log=world.folder / "watch.log")


def test_the_phone_reaches_the_api_and_nothing_else(world):
    status, body = world.ask("/api/v1/headlines?page=2")
    assert (status, json.loads(body)["path"]) == (200, "/api/v1/headlines?page=2")
    for path in ("/", "/admin", "/api/v2/x", "/metrics", "/schema/openapi.json", "/api/v1/../../admin"):
        status, body = world.ask(path, NAME, "--path-as-is")
        assert status == 404 and json.loads(body)["error"]["code"] == "not_found", path


def test_every_call_of_the_mini_program_passes_the_proxy(world):
    """The proxy lets by whatever the box's own list has; the list itself is the box's to keep."""
    tunnel = pytest.importorskip("appliance.tunnel", reason="this version has no port for the mini program")
    for line in tunnel.EXPOSED:
        path = line.split()[1]
        assert path == "/healthz" or path.startswith("/api/v1/"), path
    assert world.ask("/healthz")[0] == 200


def test_the_box_is_told_the_phones_own_address(world):
    """It lands in the audit log: neither the relay's address nor what the phone claims."""
    _, body = world.ask("/api/v1/me", NAME, "--header", "X-Forwarded-For: 6.6.6.6")
    assert json.loads(body)["from"] == ["10.1.0.2"]


def test_another_name_leads_nowhere(world):
    assert world.ask("/healthz", OTHER)[0] == 0


def test_who_asks_too_fast_is_slowed_down(world):
    urls = [f"https://{NAME}/api/v1/headlines?{number}" for number in range(90)]
    target = ["--resolve", f"{NAME}:443:10.1.0.1", "--cacert", str(world.folder / "box.crt")]
    sink = [word for url in urls for word in ("-o", "/dev/null", url)]
    words = world.phone.run(
        "curl",
        "--silent",
        *target,
        "--parallel",
        "--write-out",
        "%{http_code}\n",
        *sink,
    )
    answers = words.split()
    assert answers.count("200") >= 20 and answers.count("429") >= 20, answers
    time.sleep(5)
    assert world.ask()[0] == 200


def test_the_relay_is_no_way_into_the_box_or_back(world):
    """Another port of the box, and the relay's own ports from the box."""
    refused = "import socket; socket.create_connection(('10.77.0.1', 443), 2)"
    done = world.box.run(sys.executable, "-c", f"try:\n {refused}\n print('open')\nexcept OSError: print('shut')")
    assert done.strip() == "shut"


def pull_cable(world: World) -> None:
    world.router.run("ip", "link", "set", "w0", "down")
    time.sleep(20)
    world.router.run("ip", "link", "set", "w0", "up")
    world.router.run("ip", "route", "replace", "default", "via", "10.2.0.1")


def restart_relay(world: World) -> None:
    conf = world.folder / "relay/xiangyi0.conf"
    world.relay.run("wg-quick", "down", conf)
    world.relay.run("wg-quick", "up", conf)


def change_address(world: World) -> None:
    """The operator gives the hospital another one; the router starts with an empty table."""
    world.router.run("ip", "address", "flush", "dev", "w0")
    world.router.address("w0", "10.2.0.99/24")
    world.router.run("ip", "route", "replace", "default", "via", "10.2.0.1")


def restart_box(world: World) -> None:
    conf = world.folder / "box/xiangyi0.conf"
    world.box.run("wg-quick", "down", conf)
    world.box.run("wg-quick", "up", conf)


@pytest.mark.slow
@pytest.mark.parametrize("outage", [pull_cable, restart_relay, change_address, restart_box])
def test_it_is_back_within_ten_seconds_of_any_break(world: World, outage: Callable[[World], None], record_property):
    assert world.ask(wait_s=5)[0] == 200
    outage(world)
    took = world.back_after(10)
    print(f"{outage.__name__}: back after {took:.1f} s")
    record_property(outage.__name__, took)
