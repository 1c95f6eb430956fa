"""What provisioning's tests need and is made once for each user of this machine: a bare Debian, wheels, packages."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.box import ROOT

CACHE = Path.home() / ".cache" / "xiangyi-tests"
SUITE = "bookworm"
DISK_BYTES = 8 << 30
# What the installer leaves on a machine where "SSH server" and "standard system utilities" were chosen, as far as it
# matters here, and nothing that a role brings.
BARE = (
    "systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,sudo,python3,iproute2,cron,logrotate,procps,kmod,udev,"
    "e2fsprogs,ca-certificates"
)
WITHOUT_PIP = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}


def bare_disk() -> Path:
    """An ext4 image with a Debian as its installer leaves it, which the user `it` may administer by `ssh_key`."""
    image = CACHE / f"debian-{_short_hash(BARE, _SETUP)}.ext4"
    with _once(image) as missing:
        if missing:
            _make_disk(image)
    return image


def ssh_key() -> Path:
    """The key of `it`."""
    key = CACHE / "id_ed25519"
    with _once(key) as missing:
        if missing:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


def wheels() -> Path:
    """A folder with all that the served box installs, by the dependencies of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    folder = CACHE / f"wheels-{sys.version_info.minor}-{_short_hash(*sorted(project['dependencies']))}"
    with _once(folder) as missing:
        if missing:
            making = folder.with_suffix(".new")
            command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:", "-d", str(making)]
            subprocess.run([*command, *project["dependencies"]], check=True)
            making.rename(folder)
    return folder


def project_wheel(folder: Path, version: str | None = None) -> Path:
    """This checkout as a wheel; another `version` gives the same content under another number."""
    clone = folder / "clone"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().rstrip("\0").split("\0"):
        if name.split("/")[0] in ("appliance", "model", "llm", "webadmin", "pyproject.toml", "README.md"):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, clone / name)
    if version is not None:
        text = (clone / "pyproject.toml").read_text()
        (clone / "pyproject.toml").write_text(text.replace('version = "', f'version = "{version}"  # ', 1))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), "."]
    subprocess.run(command, cwd=clone, check=True, capture_output=True)
    shutil.rmtree(clone)
    return next(folder.glob(f"xiangyi-{version or '*'}-*.whl"))


@contextmanager
def packages(address: str, port: int) -> Iterator[str]:
    """A proxy of Debian's packages on `address` that keeps what it has seen; yields its URL."""
    folder = CACHE / "apt"
    for part in ("conf", "cache", "log"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    settings = {"CacheDir": folder / "cache", "LogDir": folder / "log", "Port": port, "BindAddress": address}
    settings |= {"ForeGround": 1, "PidFile": folder / "pid", "SupportDir": "/usr/lib/apt-cacher-ng"}
    conf = "".join(f"{name}: {value}\n" for name, value in settings.items())
    (folder / "conf" / "acng.conf").write_text(conf)
    command = ["apt-cacher-ng", "-c", str(folder / "conf")]
    proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://{address}:{port}"
    finally:
        proxy.send_signal(signal.SIGTERM)
        proxy.wait(20)


_SETUP = """
set -eu
useradd --create-home --shell /bin/bash --groups sudo it
echo 'it ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/it
install -d -o it -g it -m 700 /home/it/.ssh
install -o it -g it -m 600 /key.pub /home/it/.ssh/authorized_keys
rm /key.pub /etc/machine-id
: >/etc/machine-id
echo bare >/etc/hostname
# The installer offers security updates; debootstrap does not know them.
sed -n 's/^deb \\(\\S*\\)debian bookworm main$/deb \\1debian-security bookworm-security main/p' /etc/apt/sources.list \
    >/etc/apt/sources.list.d/security.list
systemctl enable systemd-networkd.service ssh.service
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
"""


def _make_disk(image: Path) -> None:
    key = ssh_key()
    tree = image.with_suffix(".tree")
    shutil.rmtree(tree, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase", f"--include={BARE}", SUITE, str(tree)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.copyfile(key.with_suffix(".pub"), tree / "key.pub")
    subprocess.run(["chroot", tree, "/bin/sh", "-c", _SETUP], check=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    making = image.with_suffix(".new")
    making.unlink(missing_ok=True)
    with making.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, making], check=True)
    shutil.rmtree(tree)
    os.sync()  # an image whose pages are not on the disk lets init die of SIGBUS after the first power cut
    making.rename(image)


@contextmanager
def _once(path: Path) -> Iterator[bool]:
    """Whether it has still to be made; while it is made nobody else makes it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        missing = not path.exists()
        yield missing
        if missing:
            print(f"made {path.name} in {time.monotonic() - began:.0f} s")


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
