"""From a bare Debian to a box that serves, by one playbook; what it survives, and what it refuses."""

import json
import sqlite3
import ssl
import subprocess
import threading
import time

import httpx
import pytest

from support.images import decoded, encoded, phantom
from support.lan import Lan, segmented

pytestmark = pytest.mark.slow
UNITS = ("web", "worker", "llm")


def test_a_wrong_value_is_refused_with_the_mend_before_anything_is_changed(play):
    refused = play(system_update_time="25:99")
    assert refused.code != 0
    assert "system_update_time 须为 HH:MM（现为 25:99）" in refused.output
    assert refused.count("changed") == 0
    later = play(box_ready_seconds="soon")  # a role that comes late is judged as early
    assert later.code != 0 and "box_ready_seconds" in later.output and later.count("changed") == 0


def test_a_second_run_changes_nothing_and_a_check_neither(box, play, times):
    second = play()
    assert second.code == 0, second.output[-4000:]
    times.note("second run of site.yml", second.seconds)
    assert second.count("changed") == 0, [line for line in second.output.split("\n") if line.startswith("changed")]
    check = play("--check")
    assert check.code == 0, check.output[-4000:]
    times.note("site.yml --check", check.seconds)
    assert check.count("changed") == 0


def test_a_pc_of_the_lan_segments_over_tls_that_it_can_verify(box, lan, times):
    lan.wait_until_ready()
    with lan.admin() as client:
        began = time.monotonic()
        study = segmented(client)
        times.note("segmentation over TLS", time.monotonic() - began)
        assert study["images"][0]["findings"]
        overlay = decoded(client.get(study["images"][0]["overlayUrl"]).content)
        assert overlay.shape[1] == phantom().shape[1]
    assert httpx.get(f"http://{box.address}/", follow_redirects=False).headers["location"] == f"https://{box.address}/"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://{box.address}/", verify=ssl.create_default_context())
    rows = box.run('sqlite3 /var/lib/xiangyi/xiangyi.db "SELECT DISTINCT address FROM audit_rows"').split()
    assert box.gateway in rows, "the audit log names the PC, not the proxy"


def test_only_what_is_meant_can_be_reached(box):
    open_ports = box.run(
        "ss -Hltn | awk '{print $4}' | grep -v 127.0.0 | grep -v '::1]' | sed 's/.*://' | sort -un"
    ).split()
    assert set(open_ports) <= {"22", "80", "443"}
    rules = box.run("nft list table inet xiangyi")
    assert "policy drop" in rules
    box.run("systemd-run --unit=stranger python3 -m http.server 9999")
    with pytest.raises(httpx.ConnectTimeout):
        httpx.get(f"http://{box.address}:9999/", timeout=3)
    box.run("systemctl stop stranger")
    assert httpx.get(f"https://{box.address}/metrics", verify=False, timeout=10).status_code == 403


def test_the_units_on_the_machine_are_as_hard_as_they_say(box):
    for name in ("prepare", *UNITS):
        line = box.run(f"systemd-analyze security xiangyi-{name}.service --no-pager | tail -1")
        assert float(line.split(":")[1].split()[0]) <= 1.5, line
    assert box.run("stat -c %a:%U /var/lib/xiangyi /etc/xiangyi/xiangyi.toml").split() == ["700:xiangyi", "640:root"]


def test_the_command_that_people_type_is_the_box_s_own(box):
    told = box.run("cd / && xiangyi doctor", check=False)
    assert "青河镇卫生院" in box.run("grep hospital_name /etc/xiangyi/xiangyi.toml") and "数据库" in told
    assert box.run("find /var/lib/xiangyi -user root") == ""
    refused = subprocess.run([*box.ssh, "xiangyi doctor"], capture_output=True, text=True)
    assert refused.returncode == 1 and "sudo xiangyi doctor" in refused.stderr


@pytest.mark.parametrize("name", UNITS)
def test_a_killed_service_is_back_by_itself(box, lan, times, name):
    lan.wait_until_ready()
    before = box.run(f"systemctl show -p MainPID --value xiangyi-{name}")
    box.run(f"kill -9 {before}")
    began = time.monotonic()
    while box.run(f"systemctl is-active xiangyi-{name}", check=False) != "active" or (
        box.run(f"systemctl show -p MainPID --value xiangyi-{name}") == before
    ):
        assert time.monotonic() - began < 120
        time.sleep(0.2)
    times.note(f"{name} is back after kill -9", time.monotonic() - began)
    lan.wait_until_ready()


def test_the_proxy_says_in_words_that_the_box_starts(box, lan):
    box.run("systemctl stop xiangyi-web")
    try:
        with lan.client() as client:
            page, api = client.get("/"), client.get("/api/v1/studies")
            sent = client.post("/api/v1/sessions", json={})
    finally:
        box.run("systemctl start xiangyi.target")
    assert (page.status_code, "乡医正在启动" in page.text) == (503, True)
    assert (api.status_code, api.json()["error"]["code"]) == (503, "starting")
    assert (sent.status_code, sent.json()["error"]["code"]) == (503, "starting")
    lan.wait_until_ready()


def test_a_hang_is_seen_by_the_watchdog(box, lan, times):
    pid = box.run("systemctl show -p MainPID --value xiangyi-web")
    box.run(f"kill -STOP {pid}")
    began = time.monotonic()
    while box.run("systemctl show -p MainPID --value xiangyi-web") == pid:
        assert time.monotonic() - began < 120
        time.sleep(0.5)
    lan.wait_until_ready()
    times.note("web serves again after a hang", time.monotonic() - began)
    assert "watchdog" in box.run("journalctl -u xiangyi-web --no-pager | tail -50").lower()


def test_a_stop_hands_the_job_back_and_it_ends_after_the_start(box, lan):
    with lan.admin() as client:
        files = [("file", ("a.png", encoded(phantom())))]
        made = client.post("/api/v1/studies", data={"organ": "retina"}, files=files).json()
        box.run("systemctl restart xiangyi.target")
        lan.wait_until_ready()
        ended = client.get(f"/api/v1/studies/{made['id']}?wait=60").json()
    assert ended["status"] == "succeeded"
    tries = f"SELECT attempts FROM jobs WHERE subject_id = '{made['id']}'"
    assert box.run(f'sqlite3 /var/lib/xiangyi/xiangyi.db "{tries}"') == "1"


def test_fleet_lists_each_box(box, play, tmp_path):
    report = tmp_path / "boxes.json"
    told = box.play("fleet.yml", "-e", f"fleet_report={report}")
    assert told.code == 0, told.output[-3000:]
    (only,) = json.loads(report.read_text())
    assert only["box"] == box.name and only["version"] and only["health"] in ("ok", "warning"), only["faults"]
    assert [only["units"][name] for name in UNITS] == ["active"] * 3 and only["free_gb"] > 1
    assert "最近备份" in told.output and only["version"] in told.output


def test_it_is_back_after_a_reboot(box, lan, times):
    times.note("reboot until ssh", box.reboot())
    times.note("... and until it can segment", lan.wait_until_ready())
    assert box.run("systemctl --failed --no-legend --plain") == ""
    with lan.admin() as client:
        segmented(client)


def test_a_power_cut_while_films_are_sent_loses_none_that_was_acknowledged(box, lan, times, tmp_path):
    lan.wait_until_ready()
    acknowledged: list[str] = []
    cut = threading.Event()

    def send(client: httpx.Client) -> None:
        number = 0
        while not cut.is_set():
            picture = phantom().copy()
            picture[:2, :, 0] = number = number + 1  # each its own content
            try:
                answer = client.post(
                    "/api/v1/studies",
                    data={"organ": "retina"},
                    files=[("file", ("a.png", encoded(picture)))],
                    timeout=20,
                )
            except httpx.HTTPError:
                return
            if answer.status_code == 202:
                acknowledged.append(answer.json()["id"])

    senders = [threading.Thread(target=send, args=[lan.admin()]) for _ in range(2)]
    for sender in senders:
        sender.start()
    while len(acknowledged) < 12:
        time.sleep(0.05)
    box.cut_power()
    cut.set()
    for sender in senders:
        sender.join()
    times.note("boot after the power cut until ssh", box.start())
    times.note("... until it can segment", lan.wait_until_ready())
    copy = tmp_path / "xiangyi.db"
    box.run("sqlite3 /var/lib/xiangyi/xiangyi.db '.backup /tmp/copy.db'; chmod 644 /tmp/copy.db")
    copy.write_bytes(bytes.fromhex(box.run("od -An -v -tx1 /tmp/copy.db | tr -d ' \\n'")))
    database = sqlite3.connect(copy)
    assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    kept = {row[0] for row in database.execute("SELECT id FROM studies")}
    assert len(acknowledged) >= 12 and set(acknowledged) <= kept
    with lan.admin() as client:
        for study in acknowledged:
            found = client.get(f"/api/v1/studies/{study}?wait=60", timeout=90).json()
            assert found["status"] == "succeeded", found


def test_a_blank_box_gets_everything_back(box, lan, others, hospital, times, tmp_path):
    """As after a fire: another PC, the newest backup, and the key that was on paper."""
    with lan.admin() as client:
        study = segmented(client)
        kept = client.get(study["images"][0]["maskUrl"]).content
    box.run("systemctl start xiangyi-backup.service", within_s=300)
    folder = "/var/lib/xiangyi/backups"
    newest = box.run(f"ls -t {folder}/*.tar.age | head -1")
    stick = tmp_path / "stick"
    stick.mkdir()
    for name, source in (("backup", newest), ("key", "/etc/xiangyi/backup.key")):
        (stick / name).write_bytes(bytes.fromhex(box.run(f"od -An -v -tx1 {source} | tr -d ' \\n'")))

    blank = others(2)
    first = blank.play("site.yml", **hospital)
    assert first.code == 0, first.output[-4000:]
    for path in stick.iterdir():
        subprocess.run([*blank.ssh, f"cat >/tmp/{path.name}"], stdin=path.open("rb"), check=True)
    began = time.monotonic()
    blank.run("systemctl stop xiangyi.target")
    told = blank.run("xiangyi restore /tmp/backup --key /tmp/key")
    assert "已恢复" in told
    blank.run("systemctl start xiangyi.target")
    pc = Lan(blank.address)
    pc.wait_until_ready()
    times.note("backup restored on a blank box, until it can segment", time.monotonic() - began)
    with pc.admin() as client:
        again = client.get(f"/api/v1/studies/{study['id']}").json()
        assert "images" in again, (again, told, newest, box.run(f"ls -l --full-time {folder}"))
        assert client.get(again["images"][0]["maskUrl"]).content == kept
        segmented(client)
