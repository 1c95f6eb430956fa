"""A machine to provision: Debian under its own systemd in a container, on a disk whose power can be cut."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import caches
from support.box import ROOT

PROVISIONING = ROOT / "provisioning"
TOOLS = ("debootstrap", "systemd-nspawn", "ssh", "apt-cacher-ng", "mke2fs", "ip")
REBOOTED = 133  # what systemd-nspawn ends with when the machine wants to boot again
EXT4_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
PROXY_PORT = 3142


def lacking() -> str | None:
    """Why no machine can be made here, if so."""
    if os.geteuid() != 0:
        return "a container with systemd needs root"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"no {', '.join(missing)}: run tests/system.sh as root"
    if not Path("/dev/loop-control").exists():
        return "no loop devices"
    return None


@dataclass
class Played:
    """What a run of ansible-playbook said."""

    output: str
    seconds: float
    code: int

    def count(self, what: str) -> int:
        """A figure of the recap, such as `changed`, over all machines."""
        recap = self.output.split("PLAY RECAP")[-1]
        return sum(int(word.split("=")[1]) for word in recap.split() if word.startswith(f"{what}="))


@dataclass
class Machine:
    """`number` gives the machine its name, its network and its address. `start` it before anything else."""

    folder: Path
    number: int = 1
    mounts: dict[str, str] = field(default_factory=dict)
    proxy: str = ""  # where Debian's packages come from, this side of the cable where nothing is said
    process: subprocess.Popen | None = None

    @property
    def name(self) -> str:
        return f"xiangyi{self.number}"

    @property
    def address(self) -> str:
        return f"10.213.{self.number}.2"

    @property
    def gateway(self) -> str:
        """This side of the cable. Nothing behind it is reached from the machine: it has no route and no DNS."""
        return f"10.213.{self.number}.1"

    @property
    def disk(self) -> Path:
        return self.folder / "disk.ext4"

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def ssh(self) -> list[str]:
        known = self.folder / "known_hosts"
        options = [
            "StrictHostKeyChecking=accept-new",
            f"UserKnownHostsFile={known}",
            "ConnectTimeout=5",
            "LogLevel=ERROR",
        ]
        key = ["-i", str(caches.ssh_key())]
        return ["ssh", *key, *(word for option in options for word in ("-o", option)), f"it@{self.address}"]

    def make(self, disk: Path | None = None) -> "Machine":
        """A fresh disk: a bare Debian, or a copy of another machine's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "--sparse=always", disk or caches.bare_disk(), self.disk], check=True)
        network = f"[Match]\nName=host0\n[Network]\nAddress={self.address}/24\n"
        (self.folder / "10-host0.network").write_text(network)
        proxy = f'Acquire::http::Proxy "http://{self.proxy or self.gateway}:{PROXY_PORT}";\n'
        (self.folder / "00proxy").write_text(proxy)
        self.mounts |= {"/etc/systemd/network/10-host0.network": str(self.folder / "10-host0.network")}
        self.mounts |= {"/etc/apt/apt.conf.d/00proxy": str(self.folder / "00proxy")}
        return self

    def start(self, within_s: float = 90) -> float:
        """Power on; returns after how many seconds it can be reached."""
        began = time.monotonic()
        self._mount()
        command = ["systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--console=pipe", "--boot"]
        command += [f"--directory={self.root}", f"--machine={self.name}", "--network-veth", "--link-journal=no"]
        command += ["--resolv-conf=off", "--timezone=off", "--bind=/dev/net/tun"]
        command += [f"--bind-ro={source}:{place}" for place, source in self.mounts.items()]
        console = (self.folder / "console.log").open("ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env={"PATH": os.environ["PATH"]}
        )
        self._plug_in(began + within_s)
        self._wait_for_ssh(began + within_s)
        took = time.monotonic() - began
        # nspawn lays a boot id of its own over the kernel's, which a unit with a /proc of its own does not see. A real
        # machine has one, and a worker is known by it.
        self.run("umount /proc/sys/kernel/random/boot_id", check=False)
        return took

    def run(self, command: str, check: bool = True, within_s: float = 120) -> str:
        """A shell command on the machine, as root; returns what it printed."""
        sudo = ["sudo", "-n", "sh", "-c", "'" + command.replace("'", "'\\''") + "'"]
        done = subprocess.run([*self.ssh, *sudo], capture_output=True, text=True, timeout=within_s)
        assert done.returncode == 0 or not check, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def reboot(self) -> float:
        """As by `reboot` on the machine; returns after how many seconds it can be reached again."""
        began = time.monotonic()
        with suppress(AssertionError, subprocess.TimeoutExpired):
            self.run("systemctl reboot", within_s=20)
        assert self.process is not None
        assert self.process.wait(120) == REBOOTED
        self._unmount()
        self.start()
        return time.monotonic() - began

    def cut_power(self) -> None:
        """What was not on the disk is lost, and every process with it."""
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, NOLOGFLUSH.to_bytes(4, sys.byteorder))
        finally:
            os.close(descriptor)
        self._kill()
        self._unmount()
        checked = subprocess.run(["e2fsck", "-p", self.disk], capture_output=True, text=True)
        assert checked.returncode in (0, 1), checked.stdout

    def stop(self) -> None:
        """Off, in order where that works."""
        if self.process is not None and self.process.poll() is None:
            with suppress(AssertionError, subprocess.TimeoutExpired):
                self.run("systemctl poweroff", within_s=20)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
            self._kill()
        self._unmount()

    def play(self, playbook: str, *options: str, **variables: Any) -> Played:
        """Run a playbook on this machine over ssh, as a hospital's IT person would."""
        boxes = {"children": {"canary": {"hosts": {self.name: self.host()}}}, "vars": variables}
        return play(self.folder, {"boxes": boxes}, playbook, *options)

    def host(self) -> dict[str, str]:
        """How an inventory says where this machine is."""
        known = f"-o UserKnownHostsFile={self.folder / 'known_hosts'}"
        return {
            "ansible_host": self.address,
            "ansible_user": "it",
            "ansible_ssh_private_key_file": str(caches.ssh_key()),
            "ansible_ssh_extra_args": known,
        }

    def _mount(self) -> None:
        self.root.mkdir(exist_ok=True)
        subprocess.run(["mount", "-o", "loop", self.disk, self.root], check=True)
        subprocess.run(["mount", "--make-private", self.root], check=True)

    def _unmount(self) -> None:
        subprocess.run(["umount", "--lazy", self.root], capture_output=True)
        until = time.monotonic() + 30
        while subprocess.run(["losetup", "-j", self.disk], capture_output=True).stdout:
            if time.monotonic() > until:  # another process's mount namespace holds it: go on with what the disk holds
                subprocess.run(["cp", "--sparse=always", self.disk, self.folder / "copy.ext4"], check=True)
                (self.folder / "copy.ext4").replace(self.disk)
                return
            time.sleep(0.1)

    def _kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            leader = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            for child in leader:  # the machine's init: with it all its processes go
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
            self.process.kill()
            self.process.wait()

    def _plug_in(self, until: float) -> None:
        """Give our end of the cable its address, once there is one."""
        cable = f"ve-{self.name}"
        while not Path(f"/sys/class/net/{cable}").exists():
            assert time.monotonic() < until and self.process.poll() is None, self.console()  # type: ignore[union-attr]
            time.sleep(0.05)
        subprocess.run(["ip", "address", "replace", f"{self.gateway}/24", "dev", cable], check=True)
        subprocess.run(["ip", "link", "set", cable, "up"], check=True)

    def _wait_for_ssh(self, until: float) -> None:
        while subprocess.run([*self.ssh, "true"], capture_output=True).returncode != 0:
            assert time.monotonic() < until and self.process.poll() is None, self.console()  # type: ignore[union-attr]
            time.sleep(0.1)

    def console(self) -> str:
        """The end of what the machine said on its console."""
        return (self.folder / "console.log").read_text(errors="replace")[-3000:]


def play(folder: Path, groups: dict[str, dict], playbook: str, *options: str) -> Played:
    """Run a playbook over an inventory of these groups; `folder` takes what Ansible writes."""
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"children": groups}}))
    environment = {
        **caches.WITHOUT_PIP,
        "ANSIBLE_CONFIG": str(PROVISIONING / "ansible.cfg"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "ssh"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCAL_TEMP": str(folder / "ansible"),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), *options, playbook]
    began = time.monotonic()
    done = subprocess.run(command, cwd=PROVISIONING, env=environment, capture_output=True, text=True)
    return Played(done.stdout + done.stderr, time.monotonic() - began, done.returncode)
