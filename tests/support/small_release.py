"""A release small enough to be started a hundred times: a schema of its own, pages, a doctor; and a service manager."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

# What is wrong with it stands in FAULT: "", "dies", "never ready", "bad migration", "doctor".
RELEASE = """#!{python}
import http.server, json, os, sqlite3, sys
VERSION, FAULT, DATA, PORT = {version!r}, {fault!r}, os.environ["XIANGYI_DATA_DIR"], {port}
db = sqlite3.connect(DATA + "/xiangyi.db", isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
schema = db.execute("PRAGMA user_version").fetchone()[0]
if sys.argv[1] == "migrate":
    if schema > int(VERSION):
        sys.exit("a database of a newer version")
    db.execute("CREATE TABLE IF NOT EXISTS films (name TEXT)")
    db.execute(f"CREATE TABLE IF NOT EXISTS of_version_{{VERSION}} (x)")
    if FAULT == "bad migration":
        db.execute("DELETE FROM films")
        os._exit(1)
    db.execute(f"PRAGMA user_version = {{VERSION}}")
elif sys.argv[1] == "doctor":
    print(json.dumps([{{"name": "weights", "status": "fault" if FAULT == "doctor" else "ok"}}]))
elif sys.argv[1] == "backup":
    db.backup(sqlite3.connect(DATA + "/backup.db"))
elif sys.argv[1] == "web":
    if FAULT == "dies" or schema != int(VERSION):
        sys.exit(1)
    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            films = db.execute("SELECT count(*) FROM films").fetchone()[0]
            self.send_response(503 if FAULT == "never ready" else 200)
            self.end_headers()
            self.wfile.write(json.dumps({{"version": VERSION, "films": films}}).encode())
        def log_message(self, *words):
            pass
    http.server.ThreadingHTTPServer.allow_reuse_address = True
    http.server.HTTPServer(("127.0.0.1", PORT), Pages).serve_forever()
"""

# Starts and stops real processes of what /opt/xiangyi/current names, as the units do.
SYSTEMCTL = """#!{python}
import os, signal, subprocess, sys, time
ROOT = {root!r}
words = [word for word in sys.argv[2:] if not word.startswith("-")]
environment = dict(os.environ, XIANGYI_DATA_DIR=ROOT + "/var/lib/xiangyi")
program, pid = ROOT + "/opt/xiangyi/current/venv/bin/xiangyi", ROOT + "/web.pid"
def stop():
    try:
        number = int(open(pid).read())
        os.kill(number, signal.SIGTERM)
        while os.path.exists(f"/proc/{{number}}") and open(f"/proc/{{number}}/stat").read().split()[2] != "Z":
            time.sleep(0.01)
    except (OSError, ValueError):
        pass
for unit in words:
    if unit == "nginx.service":
        open(ROOT + "/gate", "w").write(sys.argv[1])
    elif unit == "xiangyi-backup.service":
        sys.exit(subprocess.run([program, "backup"], env=environment).returncode)
    elif unit == "xiangyi.target" and sys.argv[1] == "stop":
        stop()
    elif unit == "xiangyi.target":
        stop()
        if subprocess.run([program, "migrate"], env=environment).returncode == 0:
            quiet = {{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}}
            web = subprocess.Popen([program, "web"], env=environment, start_new_session=True, **quiet)
            open(pid, "w").write(str(web.pid))
"""


@dataclass(frozen=True)
class SmallBox:
    """A box below a folder: releases, data, and a `systemctl` on the path."""

    root: Path
    port: int

    def make(self) -> "SmallBox":
        for folder in ("opt/xiangyi/releases", "var/lib/xiangyi", "var/lib/xiangyi-update", "etc/xiangyi", "bin"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "etc/xiangyi/xiangyi.toml").write_text(f"port = {self.port}\n")
        self._program(self.root / "bin/systemctl", SYSTEMCTL.format(python=sys.executable, root=str(self.root)))
        return self

    def release(self, version: str, fault: str = "") -> None:
        """Unpack a release beside the others."""
        folder = self.root / "opt/xiangyi/releases" / version
        (folder / "venv/bin").mkdir(parents=True)
        text = RELEASE.format(python=sys.executable, version=version, fault=fault, port=self.port)
        self._program(folder / "venv/bin/xiangyi", text)
        (folder / "installed").touch()

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"}

    def _program(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)
