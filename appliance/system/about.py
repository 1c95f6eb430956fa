"""What the box is made of: its version, and the packages with their licences."""

import platform
import re
import sqlite3
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

OWN = "xiangyi"


@dataclass(frozen=True)
class Package:
    """An installed package that the box needs. `licence` is what its own record says."""

    name: str
    version: str
    licence: str
    page: str


@cache
def packages() -> list[Package]:
    """All packages that the box installs, those that others need included; without the optional ones."""
    found: dict[str, Package] = {}
    waiting = [OWN]
    while waiting:
        name = waiting.pop()
        try:
            known = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # needed elsewhere only, on another system
            continue
        key = _key(known.metadata["Name"])
        if key not in found:
            found[key] = _package(known)
            waiting += [_name(line) for line in known.requires or [] if "extra ==" not in line]
    return sorted((each for key, each in found.items() if key != OWN), key=lambda each: each.name.lower())


def versions() -> list[tuple[str, str]]:
    """What stands below the packages."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return [("Python", platform.python_version()), ("SQLite", sqlite3.sqlite_version), ("操作系统", system)]


def _package(known: metadata.Distribution) -> Package:
    about: Any = known.metadata  # an email message, whatever its protocol says
    licence = about.get("License-Expression") or _classified(about.get_all("Classifier") or [])
    if not licence:
        licence = next(iter((about.get("License") or "").splitlines()), "")
    page = next((url for url in [about.get("Home-page") or "", *_pages(about)] if url.startswith("http")), "")
    return Package(about["Name"], known.version, licence[:80] or "未注明", page)


def _classified(classifiers: list[str]) -> str:
    found = [line.rpartition("::")[2].strip() for line in classifiers if line.startswith("License ::")]
    return "、".join(name for name in found if name != "OSI Approved")


def _pages(about: Any) -> list[str]:
    return [line.partition(",")[2].strip() for line in about.get_all("Project-URL") or []]


def _name(requirement: str) -> str:
    return re.split(r"[\s;<>=!~\[(]", requirement, maxsplit=1)[0]


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
