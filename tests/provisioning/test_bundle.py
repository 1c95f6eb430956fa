"""The archive for a box without network: it believes nothing before it has looked."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.box import ROOT
from support.bundles import build


@pytest.fixture(scope="module")
def gnupg(tmp_path_factory) -> Path:
    """The folder of a signing key; a short path, because gpg-agent's socket lies in it."""
    folder = Path("/tmp") / f"xiangyi-gnupg-{os.getpid()}"
    build.make_signer(folder)
    yield folder
    subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False)
    shutil.rmtree(folder)


@pytest.fixture
def small(tmp_path, gnupg) -> Path:
    """A signed bundle with little in it, which the installer can verify."""
    if os.geteuid() != 0 or build.platform.freedesktop_os_release().get("VERSION_CODENAME") != "bookworm":
        pytest.skip("the installer runs as root on Debian 12")
    if Path("/etc/xiangyi/bundle.gpg").exists():
        pytest.skip("this machine is a box that believes another signer")
    folder = tmp_path / "bundle"
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels/one.whl").write_bytes(b"a wheel")
    (folder / "codename").write_text("bookworm\n")
    shutil.copy2(ROOT / "provisioning/bundle/install", folder / "install")
    build.sign(folder, gnupg)
    return folder


def verify(folder: Path, fingerprint: str) -> subprocess.CompletedProcess[str]:
    command = [folder / "install", "--only-verify", "--fingerprint", fingerprint]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_a_whole_bundle_is_believed(small, gnupg):
    done = verify(small, build.make_signer(gnupg).lower())
    assert (done.returncode, "检验通过" in done.stdout) == (0, True), done.stderr


def spoil(folder: Path) -> None:
    (folder / "wheels/one.whl").write_bytes(b"a whee1")


def add(folder: Path) -> None:
    (folder / "wheels/two.whl").write_bytes(b"not listed")


def lose(folder: Path) -> None:
    (folder / "wheels/one.whl").unlink()


def relist(folder: Path) -> None:
    spoil(folder)
    name = folder / "wheels/one.whl"
    lines = [line for line in (folder / "SHA256SUMS").read_text().splitlines() if "one.whl" not in line]
    (folder / "SHA256SUMS").write_text("\n".join([*lines, f"{build.sha256(name)}  wheels/one.whl"]) + "\n")


@pytest.mark.parametrize(
    ("spoiling", "told"),
    [(spoil, "不符"), (add, "清单之外"), (lose, "不符"), (relist, "签名不符")],
    ids=lambda x: str(x)[:20],
)
def test_what_is_not_as_it_was_signed_is_refused(small, gnupg, spoiling, told):
    spoiling(small)
    done = verify(small, build.make_signer(gnupg))
    assert done.returncode == 1 and told in done.stderr and "没有作任何改动" in done.stderr


def test_another_signer_is_not_believed(small, gnupg):
    assert "与给出的不同" in verify(small, "0" * 40).stderr
    command = [small / "install", "--only-verify"]
    unasked = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert unasked.returncode == 1 and "--fingerprint" in unasked.stderr


def test_the_packages_of_every_role_are_found():
    found = build.debian_packages()
    assert {"nginx", "nftables", "chrony", "python3-venv", "avahi-daemon", "python3-apt"} <= set(found)
    assert "intel-opencl-icd" not in found and "intel-opencl-icd" in build.debian_packages(igpu=True)


def test_only_what_git_knows_goes_in(tmp_path):
    (ROOT / "provisioning/bundle/left-over.tmp").touch()
    try:
        build.copy_sources(tmp_path)
    finally:
        (ROOT / "provisioning/bundle/left-over.tmp").unlink()
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"install", "README.txt", "provisioning/site.yml", "systemd/xiangyi-web.service"} <= names
    assert not any("left-over" in name for name in names)
    assert os.access(tmp_path / "install", os.X_OK)
