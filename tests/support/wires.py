"""Network namespaces joined by cables that can be pulled, and Debian's programs for them without installing any."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

CACHE = Path.home() / ".cache" / "xiangyi-tests" / "tools"
PACKAGES = ("nginx", "libnginx-mod-stream", "wireguard-tools", "wireguard-go", "iputils-ping")
PROGRAMS = ("usr/sbin/nginx", "usr/bin/wg", "usr/bin/wireguard-go", "bin/ping")


def tools() -> Path | str:
    """A folder with nginx, WireGuard and ping, unpacked from Debian's packages; or why there is none."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    lacking = [each for each in ("ip", "nft", "nsenter", "unshare", "curl", "openssl") if shutil.which(each) is None]
    if lacking:
        return f"no {', '.join(lacking)}"
    if not Path("/dev/net/tun").exists():
        return "no /dev/net/tun"
    if not all((CACHE / program).exists() for program in PROGRAMS):
        packages = CACHE / "packages"
        packages.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=packages, capture_output=True, text=True)
        if done.returncode != 0:
            return f"packages cannot be fetched: {done.stderr.strip()[-200:]}"
        for package in packages.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, CACHE], check=True)
    return CACHE


@dataclass
class Place:
    """A machine with a network of its own: a namespace, and programs that run in it."""

    name: str
    tools: Path
    holder: subprocess.Popen = field(init=False)
    running: list[subprocess.Popen] = field(default_factory=list)

    def __post_init__(self) -> None:
        Path("/run/wireguard").mkdir(exist_ok=True)
        # wireguard-go puts its sockets there: each machine has its own
        held = "mount -t tmpfs tmpfs /run/wireguard && ip link set lo up && echo up && exec sleep infinity"
        command = ["unshare", "--net", "--mount", "sh", "-c", held]
        self.holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout is not None and self.holder.stdout.readline() == "up\n"

    @property
    def environment(self) -> dict[str, str]:
        ours = ":".join(str(self.tools / part) for part in ("usr/sbin", "usr/bin", "bin"))
        return {"PATH": f"{ours}:{os.environ['PATH']}", "LANG": "C.UTF-8", "HOME": "/root"}

    def command(self, *words: object) -> list[str]:
        enter = ["nsenter", "--target", str(self.holder.pid), "--net", "--mount", f"--wdns={Path.cwd()}", "--"]
        return [*enter, *(str(word) for word in words)]

    def run(self, *words: object, check: bool = True) -> str:
        done = subprocess.run(self.command(*words), env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *words: object, log: Path) -> subprocess.Popen:
        with log.open("ab") as output:
            process = subprocess.Popen(self.command(*words), env=self.environment, stdout=output, stderr=output)
        self.running.append(process)
        return process

    def address(self, device: str, address: str) -> None:
        self.run("ip", "address", "replace", address, "dev", device)
        self.run("ip", "link", "set", device, "up")

    def off(self) -> None:
        for process in [*self.running, self.holder]:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def cable(one: Place, its: str, other: Place, others: str) -> None:
    """A cable between two machines; each end has a name."""
    command = ["ip", "link", "add", its, "netns", str(one.holder.pid), "type", "veth"]
    subprocess.run([*command, "peer", "name", others, "netns", str(other.holder.pid)], check=True)
