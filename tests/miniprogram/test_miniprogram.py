"""The mini program, untouched: its gates, and every page clicked in real Chromium against the real box.

Wants Node, npm and chromium, and skips without them. Its npm packages are pinned in package-lock.json here and kept
in the user's cache.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from model.phantom import phantom as organ_phantom
from model.tasks import TASKS
from support.box import PASSWORD, ROOT, Box, free_port
from support.channel import Channel
from support.images import encoded
from support.wechat import APPID, SECRET, Wechat

HERE = Path(__file__).parent
PROGRAM = ROOT / "miniprogram"
PATIENCE_S = int(os.environ.get("XIANGYI_PATIENCE_S", "60"))
USER, PASSWORD_OF_USER = "wang", "wang-password-1"


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder of the npm packages, installed once for each lock file."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}: sudo apt-get install -y nodejs npm")
    return installed()


def installed() -> Path:
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "xiangyi"
    folder = cache / f"miniprogram-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (folder / "node_modules").is_dir():
        install(folder)
    return folder / "node_modules"


def install(folder: Path) -> None:
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, fresh)
    done = run(["npm", "ci", "--no-audit", "--no-fund"], cwd=fresh, timeout=600)
    if done.returncode:
        shutil.rmtree(fresh)
        pytest.skip(f"npm packages could not be had: {done.stdout[-500:]}")
    for program in (fresh / "node_modules/miniprogram-compiler/bin/linux").iterdir():
        program.chmod(0o755)
    fresh.rename(folder)


def run(command: list, timeout: int = 300, **more) -> subprocess.CompletedProcess:
    """Both streams in one text."""
    merged = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.run([str(part) for part in command], timeout=timeout, **merged, **more)


def sources(suffix: str) -> list[str]:
    return sorted(str(path.relative_to(PROGRAM)) for path in PROGRAM.rglob(f"*{suffix}"))


def test_tencents_compilers_take_it(modules, tmp_path):
    programs = modules / "miniprogram-compiler/bin/linux"
    for name, options, suffix in (("wcc", ["-d"], ".wxml"), ("wcsc", ["-lc"], ".wxss")):
        made = tmp_path / f"{name}.js"
        done = run([programs / name, *options, "-o", made, *sources(suffix)], cwd=PROGRAM)
        assert (done.returncode, done.stdout.strip()) == (0, ""), name
        assert made.stat().st_size > 1000


def test_the_types_hold(modules, tmp_path):
    done = types(modules, HERE / "tsconfig.json")
    assert done.returncode == 0, done.stdout


def types(modules: Path, config: Path) -> subprocess.CompletedProcess:
    compiler = modules / "typescript/bin/tsc"
    return run(["node", compiler, "-p", config, "--typeRoots", modules, "--types", "miniprogram-api-typings"])


def test_what_no_compiler_sees(modules):
    done = run(["node", HERE / "lint.mjs"], env=environment(modules))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("pages/home/home.wxml", "{{hospital}}", "{{hospital.trim()}}", "trim"),
        ("pages/home/home.wxml", "{{hospital}}", "{{hospitals}}", "hospitals"),
        ("pages/home/home.wxml", 'bindtap="consult"', 'bindtap="consul"', "consul"),
        ("app.json", '"pages/answer/answer",', "", "answer"),
        ("pages/home/home.js", "  onLoad() {", "  onShareAppMessage() {},\n  onLoad() {", "onShareAppMessage"),
    ],
)
def test_the_lint_notices(modules, tmp_path, file, old, new, told):
    broken = tmp_path / "miniprogram"
    shutil.copytree(PROGRAM, broken)
    text = (broken / file).read_text("utf-8")
    assert old in text
    (broken / file).write_text(text.replace(old, new, 1), "utf-8")
    done = run(["node", HERE / "lint.mjs", broken], env=environment(modules))
    assert done.returncode == 1
    assert told in done.stdout


def test_the_readme_names_each_platform_call_with_the_base_library_it_wants(modules):
    """Tencent's own declarations say it in their comments."""
    declared = (modules / "miniprogram-api-typings/types/wx/lib.wx.api.d.ts").read_text("utf-8")
    table = re.findall(r"^\| (`[^|]+) \| ([\d.]+|—) \|", (PROGRAM / "README.md").read_text("utf-8"), re.M)
    told = {name: version for names, version in table for name in re.findall(r"`([\w.]+)`", names)}
    used = {name for path in sources(".js") for name in re.findall(r"\bwx\.\w+", (PROGRAM / path).read_text("utf-8"))}
    assert {name for name in told if name.startswith("wx.")} == used
    for name, version in told.items():
        assert version in base_libraries(declared, name), name


def base_libraries(declared: str, name: str) -> set[str]:
    """The least versions that a call, or an option that several calls take, is declared with."""
    comment = r"/\*\*(?:(?!\*/)[\s\S])*?\*/"
    if "." in name:
        title = re.compile(rf"/\*\* \[.*\b{re.escape(name)}\(.*\]\(https:")
        places = [text for text in re.findall(comment, declared) if title.match(text)]
        assert places, f"{name} is declared nowhere"
    else:
        places = re.findall(rf"({comment})\s*{name}\?:", declared)
    found = (re.search(r"^\s*(?:/\*)?\*+ ?需要基础库： `([\d.]+)`", text, re.M) for text in places)
    return {version[1] if version else "—" for version in found}


def test_parts_that_need_no_phone(modules):
    done = run(["node", "--test", HERE / "utils.test.mjs"], env=environment(modules))
    assert done.returncode == 0, done.stdout


def test_organs_are_the_models(modules):
    script = f"console.log(JSON.stringify(require({json.dumps(str(PROGRAM / 'utils/organs.js'))}).ORGANS))"
    known = {each["organ"]: each for each in json.loads(run(["node", "-e", script]).stdout)}
    assert set(known) == set(TASKS)
    for organ, task in TASKS.items():
        labels = [{"name": label.name_zh, "colour": label.colour} for label in task.labels]
        assert (known[organ]["name"], known[organ]["image"]) == (task.name_zh, task.image_zh)
        assert known[organ]["labels"] == labels


def environment(modules: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "XIANGYI_NODE_MODULES": str(modules), **more}


@pytest.fixture(scope="module")
def phone_box(tmp_path_factory) -> Iterator[dict[str, str]]:
    with running_box(tmp_path_factory.mktemp("phone")) as facts:
        yield facts


@contextmanager
def running_box(folder: Path) -> Iterator[dict[str, str]]:
    """The real box with a tunnel, WeChat, a news channel and content; what the tests in the browser need to know."""
    wechat, channel = Wechat(), Channel()
    settings = {
        "XIANGYI_LLM_ENABLED": "false",
        "XIANGYI_TUNNEL_PORT": str(free_port()),
        "XIANGYI_TUNNEL_REQUESTS_PER_MINUTE": "2000",
        "XIANGYI_WECHAT_APPID": APPID,
        "XIANGYI_WECHAT_SECRET": SECRET,
        "XIANGYI_WECHAT_URL": wechat.url,
        "XIANGYI_HEADLINES_CHANNELS": channel.url,
        "XIANGYI_HEADLINES_INTERVAL_MINUTES": "60",
    }
    box = Box(folder / "box", settings).start(within_s=4 * PATIENCE_S)
    try:
        facts = {"inside": box.url, "box": f"http://127.0.0.1:{settings['XIANGYI_TUNNEL_PORT']}"}
        yield {**facts, **content(box), **pictures(folder)}
        assert SECRET not in box.log("web")
        assert "openid-of" not in box.log("web")
    finally:
        box.stop()
        wechat.close()
        channel.close()


def content(box: Box) -> dict[str, str]:
    """Accounts and publications, made as an admin makes them."""
    with box.client() as admin:
        for name in (USER, "other"):
            made = admin.post("/api/v1/accounts", json={"username": name, "role": "user"}).json()
            with box.client(name, made["password"]) as person:
                change = {"oldPassword": made["password"], "newPassword": PASSWORD_OF_USER}
                assert person.post("/api/v1/accounts/me/password", json=change).status_code == 204
        for kind, title, body, pinned in (
            ("announcement", "秋冬流感疫苗开始接种", "**注意：**请带身份证。\n\n- 上午 8 点\n- 门诊二楼", True),
            ("announcement", "<script>alert(1)</script>停诊通知", "<img src=x onerror=alert(1)>周六停诊。", False),
            ("article", "高血压平时怎么吃", "每天吃盐不超过 5 克，少吃咸菜。", False),
        ):
            made = {"kind": kind, "title": title, "body": body, "state": "published", "pinned": pinned}
            assert admin.post("/api/v1/publications", json=made).status_code == 201
        paths = admin.get("/schema/openapi.json").json()["paths"]
    return {"user": USER, "password": PASSWORD_OF_USER, "deletes": "yes" if "/api/v1/me/data" in paths else ""}


def pictures(folder: Path) -> dict[str, str]:
    made = {}
    for organ in TASKS:
        made[organ] = folder / f"{organ}.png"
        made[organ].write_bytes(encoded(organ_phantom(organ)))
    made["text"] = folder / "note.png"
    made["text"].write_text("no picture")
    return {name: str(path) for name, path in made.items()}


def test_every_page_on_the_real_box(modules, phone_box):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: sudo apt-get install -y chromium fonts-noto-cjk")
    facts = {"XIANGYI_FACTS": json.dumps(phone_box), "XIANGYI_CHROMIUM": chromium}
    known = environment(modules, XIANGYI_PATIENCE_MS=str(1000 * PATIENCE_S), **facts)
    done = run(["node", "--test", "--test-concurrency=1", HERE / "pages.test.mjs"], timeout=60 * PATIENCE_S, env=known)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:]


def test_another_person_sees_nothing_of_it_through_the_tunnel(phone_box):
    """After the pages have left studies and consultations behind."""
    outside = phone_box["box"]
    tokens = {}
    for name in (USER, "other"):
        answer = httpx.post(
            f"{outside}/api/v1/sessions", json={"username": name, "password": PASSWORD_OF_USER}, timeout=60
        )
        tokens[name] = {"Authorization": f"Bearer {answer.json()['token']}"}
    admin = httpx.post(f"{outside}/api/v1/sessions", json={"username": "admin", "password": PASSWORD}, timeout=60)
    tokens["admin"] = {"Authorization": f"Bearer {admin.json()['token']}"}
    for noun in ("studies", "consultations"):
        own = httpx.get(f"{outside}/api/v1/{noun}", headers=tokens[USER], timeout=60).json()["items"]
        for name in ("other", "admin"):
            assert httpx.get(f"{outside}/api/v1/{noun}", headers=tokens[name], timeout=60).json()["items"] == []
            for each in own[:3]:
                address = f"{outside}/api/v1/{noun}/{each['id']}"
                assert httpx.get(address, headers=tokens[name], timeout=60).status_code == 404
