"""The tunnel as `tunnel.yml` makes it: a relay and a box, two machines of their own, and a phone on this side."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import machine
from support.box import PASSWORD
from support.machine import Machine, Played

pytestmark = pytest.mark.slow
NAME = "box7.example.org"


@dataclass
class Phone:
    """Asks the relay for the box by name, and trusts `authority` alone."""

    relay: Machine
    box: Machine
    authority: Path

    def ask(self, path: str, *more: str, wait_s: float = 3) -> tuple[int, str]:
        """(status, body); status 0 is no answer."""
        target = ["--resolve", f"{NAME}:443:{self.relay.address}", "--cacert", str(self.authority)]
        told = ["--silent", "--max-time", str(wait_s), "--write-out", "\n%{http_code}", "--noproxy", "*"]
        command = ["curl", *target, *told, *more, f"https://{NAME}{path}"]
        body, _, status = subprocess.run(command, capture_output=True, text=True).stdout.rpartition("\n")
        return int(status or 0), body

    def back_after(self, within_s: float) -> float:
        """Seconds until the box answers."""
        began = time.monotonic()
        while self.ask("/healthz")[0] != 200:
            assert time.monotonic() - began < within_s, self.traces()
            time.sleep(0.1)
        return time.monotonic() - began

    def traces(self) -> str:
        """What phone, relay and box have to say of it."""
        _, said = self.ask("/healthz", "--verbose", "--stderr", "-")
        words = "ip route; wg show; ss -Hltn; systemctl --failed --no-pager; journalctl -b -n 30 --no-pager"
        logs = "tail -n 5 /var/log/nginx/*.log"
        return "\n".join([said, *(each.run(f"{words}; {logs}", check=False) for each in (self.relay, self.box))])


@dataclass
class Tunnel:
    folder: Path
    relay: Machine
    box: Machine
    phone: Phone

    def play(self, kind: str) -> Played:
        """`tunnel.yml` over both."""
        box = self.box.host() | {"tunnel_name": NAME, "tunnel_number": 7, "tunnel_kind": kind}
        box |= {f"tunnel_box_certificate{part}": f"/etc/ssl/phone{part}" for part in ("", "_key")}
        boxes = {"children": {"canary": {"hosts": {self.box.name: box}}}}
        return machine.play(
            self.folder, {"boxes": boxes, "relay": {"hosts": {self.relay.name: self.relay.host()}}}, "tunnel.yml"
        )


@pytest.fixture(scope="module")
def tunnel(box, play, others, tmp_path_factory) -> Iterator[Tunnel]:
    folder = tmp_path_factory.mktemp("tunnel")
    relay = others(3)
    for each in (box, relay):  # the way between hospital and relay; nothing else is let through
        Path(f"/proc/sys/net/ipv4/conf/ve-{each.name}/forwarding").write_text("1")
    opened = play(tunnel_name=NAME, tunnel_number=7)  # the door in the firewall, and the port behind it
    assert opened.code == 0, opened.output[-4000:]
    box.run(f"ip route replace 10.213.0.0/16 via {box.gateway}")
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = {"": folder / "phone", "_key": folder / "phone_key"}
    command = ["openssl", "req", "-x509", *curve, *subject, "-keyout", files["_key"], "-out", files[""]]
    subprocess.run(command, check=True, capture_output=True)
    for part, path in files.items():
        put = f"sudo -n sh -c 'umask 077; cat >/etc/ssl/phone{part}'"
        subprocess.run([*box.ssh, put], stdin=path.open("rb"), check=True)
    yield Tunnel(folder, relay, box, Phone(relay, box, files[""]))


def test_a_phone_reaches_the_box_and_only_what_is_meant(tunnel: Tunnel, times):
    first = tunnel.play("wireguard")
    assert first.code == 0, first.output[-5000:]
    times.note("first run of tunnel.yml", first.seconds)
    tunnel.phone.back_after(20)
    again = tunnel.play("wireguard")
    assert again.code == 0 and again.count("changed") == 0, again.output[-5000:]
    login = ["--header", "content-type: application/json"]
    login += ["--data", json.dumps({"username": "admin", "password": PASSWORD})]
    status, body = tunnel.phone.ask("/api/v1/sessions", *login, wait_s=10)
    assert status == 201, body
    for path in ("/", "/admin", "/metrics", "/schema/openapi.json", "/api/v1/accounts"):
        assert tunnel.phone.ask(path)[0] == 404, path
    rows = tunnel.box.run('sqlite3 /var/lib/xiangyi/xiangyi.db "SELECT DISTINCT address FROM audit_rows"').split()
    assert tunnel.relay.gateway in rows, "the audit log names the phone, not the relay"


def test_whoever_holds_the_relay_reaches_nothing_else_of_the_box(tunnel: Tunnel):
    for port in (22, 80, 443, 8080):
        tried = tunnel.relay.run(f"timeout 2 bash -c 'exec 3<>/dev/tcp/10.77.0.7/{port}'; echo $?", check=False)
        assert tried.split()[-1] != "0", port


def test_by_wireguard_it_is_back_after_the_relay_was_restarted(tunnel: Tunnel, times):
    tunnel.relay.run("systemctl restart wg-quick@xiangyi0")
    times.note("phone answered after the relay's WireGuard was restarted", tunnel.phone.back_after(10))


def test_by_ssh_where_no_udp_gets_out(tunnel: Tunnel, times):
    tunnel.box.run(
        "nft add table inet shut; nft 'add chain inet shut out { type filter hook output priority 0; }';"
        "nft add rule inet shut out udp dport 51820 drop"
    )
    played = tunnel.play("ssh")
    assert played.code == 0, played.output[-5000:]
    tunnel.phone.back_after(20)
    assert "handshake" not in tunnel.box.run("wg show xiangyi0 latest-handshakes", check=False)
    tunnel.box.run("systemctl kill --signal=KILL xiangyi-tunnel-ssh.service")
    times.note("phone answered after the ssh tunnel was killed", tunnel.phone.back_after(10))
    tunnel.relay.run("systemctl restart ssh; pkill -9 -u xiangyi-tunnel sshd", check=False)
    times.note("phone answered after the relay cut the ssh tunnel", tunnel.phone.back_after(10))
