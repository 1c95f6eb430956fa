"""`make bundle`: one archive that installs or updates a box with no network: wheels, packages, playbook, model.

Run on the same Debian as the box, with the network. What goes in is listed with its hash in SHA256SUMS, which is
signed; the `install` in the archive looks at both before it believes anything.
"""

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SIGNER = "Xiangyi bundle"
ANSIBLE = "ansible-core>=2.19,<2.20"
# What the playbook itself needs on the box before it can speak: Ansible's module for apt, and pip.
ALWAYS = ("python3", "python3-venv", "python3-apt", "gpgv")
ONLY_IGPU = {"intel-opencl-icd"}


class Refused(Exception):
    """Why no bundle was made, with the mend."""


def build(out: Path, gnupg: Path, llm_file: Path | None, igpu: bool = False, index: str = "") -> Path:
    """Make the archive below `out`; returns it. Raises Refused."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    if codename != "bookworm" or sys.version_info[:2] != (3, 11):
        here = f"{codename}、Python {platform.python_version()}"
        raise Refused(f"须在 Debian 12（bookworm）上用 Python 3.11 制作；这里是 {here}。")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    folder = out / f"xiangyi-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "codename").write_text(f"{codename}\n")
    fetch_wheels(folder / "wheels", index)
    fetch_debs(folder / "debs", debian_packages(igpu), out / "apt")
    copy_sources(folder)
    if llm_file is not None:
        (folder / "llm").mkdir()
        shutil.copyfile(llm_file, folder / "llm" / llm_file.name)
    fingerprint = make_signer(gnupg)
    describe_debs(folder / "debs", gnupg)
    sign(folder, gnupg)
    archive = out / f"xiangyi-{version}-{codename}-{platform.machine()}.tar"
    pack(folder, archive)
    say(f"{archive}：{archive.stat().st_size / 1e6:.0f} MB")
    say(f"签名指纹（请打印，随 U 盘一起交给安装人员）：{fingerprint}")
    return archive


def debian_packages(igpu: bool = False) -> list[str]:
    """Whatever any role installs, read from the roles themselves: none can be forgotten here."""
    found = set(ALWAYS)
    for path in (ROOT / "provisioning/roles").glob("*/*/*.yml"):
        for words in re.findall(r"^\s*\w*(?:system_wanted|_packages): \[([^]]*)\]", path.read_text(), re.MULTILINE):
            found.update(word.strip() for word in words.split(",") if word.strip())
    return sorted(found if igpu else found - ONLY_IGPU)


def fetch_wheels(folder: Path, index: str = "") -> None:
    """The program as a wheel, all that it needs, and Ansible for the box itself; no source packages."""
    say("正在收集 Python 包……")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, env={"SOURCE_DATE_EPOCH": "1577836800"})
    project = next(folder.glob("xiangyi-*.whl"))
    where = ["--index-url", index] if index else []
    run(*pip, "download", "--only-binary", ":all:", *where, "--dest", folder, project, ANSIBLE, "pip", "setuptools")


def fetch_debs(folder: Path, packages: list[str], scratch: Path) -> None:
    """The packages with all that they stand on, as if nothing were installed: whatever a box has, none is missing."""
    say("正在收集 Debian 包……")
    archives = scratch / "archives"
    for each in (archives / "partial", scratch / "lists/partial"):
        each.mkdir(parents=True, exist_ok=True)
    (scratch / "status").write_text("")
    settings = {
        "Dir::State::status": scratch / "status",
        "Dir::State::lists": scratch / "lists",
        "Dir::Cache": scratch,
        "Dir::Cache::archives": archives,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    run(*apt, "update")
    for old in archives.glob("*.deb"):
        old.unlink()
    run(*apt, "install", "--yes", "--download-only", *packages)
    folder.mkdir()
    for deb in archives.glob("*.deb"):
        # apt writes the colon of an epoch as %3a, which it would read as an escape again in a file: address
        shutil.move(deb, folder / deb.name.replace("%3a", "."))


def describe_debs(folder: Path, gnupg: Path) -> None:
    """Make the folder a signed repository: Packages, and InRelease that vouches for it."""
    entries = []
    for deb in sorted(folder.glob("*.deb")):
        fields = run("dpkg-deb", "--field", deb)
        size = f"Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {sha256(deb)}\n"
        entries.append(f"{fields.rstrip()}\n{size}")
    packages = folder / "Packages"
    packages.write_text("\n".join(entries))
    release = folder / "Release"
    release.write_text(
        f"Origin: Xiangyi\nLabel: Xiangyi\nSuite: bundle\nArchitectures: amd64 all\nAcquire-By-Hash: no\n"
        f"SHA256:\n {sha256(packages)} {packages.stat().st_size} Packages\n"
    )
    run("gpg", "--homedir", gnupg, "--batch", "--yes", "--clearsign", "--output", folder / "InRelease", release)


def copy_sources(folder: Path) -> None:
    """The playbook, the units and the installer, as git knows them: nothing that lies around here."""
    listed = run("git", "-C", ROOT, "ls-files", "-z", "provisioning", "systemd").split("\0")
    for name in filter(None, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(HERE / "install", folder / "install")
    shutil.copy2(HERE / "README.txt", folder / "README.txt")


def make_signer(gnupg: Path) -> str:
    """The key that signs bundles, made at the first; returns its fingerprint. Boxes keep to the one they saw first."""
    gnupg.mkdir(mode=0o700, parents=True, exist_ok=True)
    gpg = ["gpg", "--homedir", gnupg, "--batch"]
    if SIGNER not in run(*gpg, "--list-secret-keys"):
        run(*gpg, "--passphrase", "", "--quick-generate-key", SIGNER, "ed25519", "sign", "never")
    listed = run(*gpg, "--with-colons", "--list-secret-keys", SIGNER)
    return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))


def sign(folder: Path, gnupg: Path) -> None:
    """Write key, hashes and signature."""
    gpg = ["gpg", "--homedir", gnupg, "--batch", "--yes"]
    run(*gpg, "--output", folder / "key.gpg", "--export", SIGNER)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(f"{sha256(folder / name)}  {name}\n" for name in names))
    run(*gpg, "--output", folder / "SHA256SUMS.sig", "--detach-sign", sums)


def pack(folder: Path, archive: Path) -> None:
    """One tar, not compressed: wheels and packages are already. Nobody's name or time of here goes along."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
        return info

    partial = archive.with_suffix(".partial")
    with tarfile.open(partial, "w") as tar:
        tar.add(folder, folder.name, filter=plain)
    partial.rename(archive)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(*command: object, env: dict[str, str] | None = None) -> str:
    """A program's output. Raises Refused with what it complained of."""
    words = [str(word) for word in command]
    done = subprocess.run(words, env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}, capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"{' '.join(words[:4])} … 失败：\n{done.stderr[-2000:]}")
    return done.stdout


def cached_model() -> Path | None:
    """The default language model's file, where this machine has it."""
    cache = Path(os.environ.get("XIANGYI_LLM_CACHE", Path.home() / ".cache/xiangyi"))
    found = [path for path in cache.glob("models/*/*.gguf") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def say(sentence: str) -> None:
    print(sentence, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build/bundle")
    home = Path.home() / ".config/xiangyi/bundle-key"
    parser.add_argument("--gnupg", type=Path, default=home, help="folder of the signing key")
    parser.add_argument("--llm", type=Path, help="the language model's file; the cached one by default")
    parser.add_argument("--without-llm", action="store_true", help="passages answer, or the model comes later")
    parser.add_argument("--igpu", action="store_true", help="with OpenCL for Intel's graphics")
    parser.add_argument("--index", default="", help="a mirror of the package index")
    asked = parser.parse_args()
    llm_file = None if asked.without_llm else asked.llm or cached_model()
    if llm_file is None and not asked.without_llm:
        sys.exit("没有找到语言模型文件：请用 --llm 给出 GGUF 文件，或加 --without-llm。")
    try:
        build(asked.out, asked.gnupg, llm_file, asked.igpu, asked.index)
    except Refused as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
