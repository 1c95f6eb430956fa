"""A box as it is after some weeks in a hospital: something to see on every page."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from appliance.database import Database
from model.phantom import phantom
from support.box import Box
from support.images import encoded
from support.rows import fill

BODY = """## 时间和地点

**注意：**请带身份证和接种本。

- 周一上午：门诊二楼
- 周三下午：门诊二楼

| 年龄 | 疫苗 |
| --- | --- |
| 60 岁以上 | 流感、肺炎 |

> 发热时请先告诉护士。
"""


@dataclass(frozen=True)
class Furnished:
    """A running box and the ids of what lies in it."""

    box: Box
    retina: str
    series: str
    refused: str
    comparison: str
    emergency: str
    routine: str
    announcement: str
    article: str
    account: str
    document: str


def furnish(box: Box) -> Furnished:
    """Fill a running box through its own API, and with some weeks of rows."""
    database = Database(box.data_dir / "xiangyi.db")
    fill(database, 120, 80, 30, datetime.now().date() - timedelta(days=1), images=True)
    database.close()
    with box.client() as client:
        retina = _study(client, "retina", ["retina"])
        _correct(client, retina)
        announcement, article = _publish(client, "announcement"), _publish(client, "article")
        return Furnished(
            box,
            retina=retina,
            series=_study(client, "liver", ["liver"] * 3),
            refused=_study(client, "chest", ["retina"]),
            comparison=_compare(client, retina),
            emergency=_ask(client, "我妈突然胸口压着疼，出冷汗"),
            routine=_ask(client, "高血压的人平时饮食要注意什么？"),
            announcement=announcement,
            article=article,
            account=_account(client, announcement),
            document=_document(client),
        )


def _study(client: httpx.Client, organ: str, drawn: list[str]) -> str:
    files = [("file", (f"{name}-{number}.png", encoded(phantom(name)))) for number, name in enumerate(drawn)]
    answer = client.post("/api/v1/studies?wait=60", data={"organ": organ, "pixelMm": "0.7"}, files=files)
    assert answer.status_code in (201, 202), answer.text
    return answer.json()["id"]


def _correct(client: httpx.Client, study: str) -> None:
    mask = client.get(f"/api/v1/studies/{study}/images/0/mask").raise_for_status().content
    headers = {"Content-Type": "image/png"}
    answer = client.post(f"/api/v1/studies/{study}/images/0/corrections", headers=headers, content=mask)
    assert answer.status_code == 202, answer.text


def _compare(client: httpx.Client, study: str) -> str:
    """A release that nobody serves beside the one that is served, on one study; waits for it."""
    organs = client.get("/api/v1/releases").raise_for_status().json()["organs"]
    releases = next(each["releases"] for each in organs if each["organ"] == "retina")
    other = next(each for each in releases if not each["active"])
    body = {"organ": "retina", "version": other["version"], "studyIds": [study]}
    answer = client.post("/api/v1/comparisons", json=body)
    assert answer.status_code == 202, answer.text
    path = f"/api/v1/comparisons/{answer.json()['id']}"
    until = time.monotonic() + 180
    while client.get(path).json()["status"] in ("queued", "running"):
        assert time.monotonic() < until, "the comparison did not end"
        time.sleep(0.5)
    return answer.json()["id"]


def _ask(client: httpx.Client, question: str) -> str:
    return _made(client, "consultations", {"question": question})["id"]


def _publish(client: httpx.Client, kind: str) -> str:
    made = {"kind": kind, "title": "秋季流感疫苗接种安排", "body": BODY, "state": "published", "pinned": True}
    publication = _made(client, "publications", made)["id"]
    _made(client, "publications", {**made, "title": "还没写完的一篇", "state": "draft"})
    _made(client, f"{kind}s/{publication}/comments", {"text": "周六可以接种吗？"})
    return publication


def _account(client: httpx.Client, announcement: str) -> str:
    made = _made(client, "accounts", {"username": "wang", "fullName": "王芳", "department": "内科"})
    token = _made(client, "sessions", {"username": "wang", "password": made["password"]})["token"]
    own = {"Authorization": f"Bearer {token}"}
    client.post(
        f"/api/v1/announcements/{announcement}/comments", json={"text": "谢谢！"}, headers=own
    ).raise_for_status()
    client.put("/api/v1/accounts/me/deletion", headers=own).raise_for_status()
    return made["id"]


def _document(client: httpx.Client) -> str:
    files = {"file": ("发热.md", "# 发热\n\n体温超过 38.5 度时要及时就医。\n".encode())}
    return client.post("/api/v1/documents", files=files).raise_for_status().json()["id"]


def _made(client: httpx.Client, path: str, body: dict) -> dict:
    answer = client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()
