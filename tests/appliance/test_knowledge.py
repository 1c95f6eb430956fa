"""Documents in, passages found, answers that rest on them; asked through the API with no language model."""

import io
import os
import zipfile
from collections.abc import Callable

import docx
import pytest

from appliance.engines import knowledge
from appliance.knowledge import services
from appliance.knowledge.texts import PASSAGE_CHARACTERS, passages_of

LEECH = "# 蚂蟥叮咬\n在水田里被蚂蟥叮咬后，不要硬拉，可在周围涂盐水让它松口。伤口用清水冲洗，出血不止时到卫生院处理。\n"


def add(api, name: str = "田间急救.md", content: bytes = LEECH.encode(), who: str = "boss"):
    return api.client.post("/api/v1/documents", headers=api.as_(who), files={"file": (name, content)})


def ask(api, question: str, who: str = "ann", **more):
    answer = api.client.post("/api/v1/consultations", headers=api.as_(who), json={"question": question, **more})
    return answer.json()


def word(text: str) -> bytes:
    document, out = docx.Document(), io.BytesIO()
    document.add_heading("蚂蟥叮咬", 1)
    document.add_paragraph(text)
    document.save(out)
    return out.getvalue()


def rewritten(document: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A Word file whose text, as XML, was changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(document)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, change(part) if name == "word/document.xml" else part)
    return out.getvalue()


def broken_xml(document: bytes) -> bytes:
    return rewritten(document, lambda xml: xml[: len(xml) // 2])


@pytest.fixture
def starter(api):
    services.bring_up_to_date(api.database)
    return api


def test_an_added_document_answers_until_it_is_removed(api):
    assert ask(api, "蚂蟥叮人怎么取下来")["sources"] == []
    document = add(api).json()
    answer = ask(api, "蚂蟥叮人怎么取下来")
    assert (answer["source"], answer["sources"][0]["title"]) == ("passages", "田间急救：蚂蟥叮咬")
    assert "不要硬拉" in answer["answer"] and not answer["sources"][0]["reviewed"]
    removed = api.client.delete(f"/api/v1/documents/{document['id']}", headers=api.as_("boss"))
    assert removed.status_code == 204
    assert ask(api, "蚂蟥叮人怎么取下来")["sources"] == []


def test_only_admins_add_and_only_clinicians_sign(api):
    assert add(api, who="ann").status_code == add(api, who="doc").status_code == 403
    document = add(api).json()
    review = f"/api/v1/documents/{document['id']}/review"
    assert api.client.post(review, headers=api.as_("ann")).status_code == 403
    signed = api.client.post(review, headers=api.as_("doc")).json()
    assert signed["reviewedBy"] == "doc" and signed["reviewedAt"]
    assert ask(api, "被蚂蟥叮了怎么办")["sources"][0]["reviewed"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("急救.txt", LEECH.encode()),
        ("急救.txt", LEECH.encode("gb18030")),
        ("急救.docx", word("在水田里被蚂蟥叮咬后，不要硬拉，可在周围涂盐水让它松口。")),
    ],
)
def test_each_kind_of_file_is_read(name, content):
    ((_, text),) = [each for each in passages_of(name, content) if "蚂蟥" in each[1] and "硬拉" in each[1]]
    assert "涂盐水" in text


def test_a_word_file_s_headings_head_its_passages():
    text = "在水田里被蚂蟥叮咬后，不要硬拉。"
    assert passages_of("a.docx", word(text)) == [("蚂蟥叮咬", text)]


def test_many_short_paragraphs_are_read_in_seconds():
    """Each once looked for the default style anew: a minute for a file of 43 KB, in the web's own process."""
    line = "<w:p><w:r><w:t>水</w:t></w:r></w:p>".encode()
    long = rewritten(word("蚂蟥"), lambda xml: xml.replace(b"<w:sectPr", line * 60_000 + b"<w:sectPr", 1))
    started = sum(os.times()[:4])  # of the processor, here and in processes that ended: others may keep it busy
    assert "".join(text for _, text in passages_of("a.docx", long)).count("水") == 60_000
    assert sum(os.times()[:4]) - started < 20


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace("蚂蟥".encode(), "蚂".encode() * 600_000),
        lambda xml: xml.replace(b"<w:sectPr", b"<w:p/>" * 600_000 + b"<w:sectPr", 1),
        lambda xml: xml.replace(b"<w:sectPr", b" " * 31 * 2**20 + b"<w:sectPr", 1),
        lambda xml: xml.replace(b"<w:sectPr", b"<w:p/>" * 20_000_000 + b"<w:sectPr", 1),
    ],
    ids=["characters", "paragraphs", "bytes of XML", "a bomb"],
)
def test_a_word_file_that_unpacks_to_too_much_is_refused(api, change):
    answer = add(api, "a.docx", rewritten(word("蚂蟥"), change))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "document_too_large")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.exe", b"MZ", "document_type_unsupported"),
        ("a.pdf", b"%PDF-1.4 cut", "document_unreadable"),
        ("a.docx", b"PK\x03\x04 cut", "document_unreadable"),
        ("a.docx", broken_xml(word("蚂蟥")), "document_unreadable"),
        ("a.txt", b"\xff\xfe\xfa\x00\x81", "document_unreadable"),
        ("a.md", b"  \n", "document_empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(api, name, content, code):
    answer = add(api, name, content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


def test_a_form_without_a_file_is_told_so(api):
    answer = api.client.post("/api/v1/documents", headers=api.as_("boss"), files={"other": ("a.md", LEECH.encode())})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "file_missing")


def test_the_same_document_is_not_taken_twice(api):
    assert add(api).status_code == 201
    assert add(api).json()["error"]["code"] == "document_known"


def test_passages_are_short_and_lose_nothing():
    text = "".join(f"第{n}条要记住每天测量并写下来。" for n in range(200))
    found = passages_of("a.md", text.encode())
    assert max(len(passage) for _, passage in found) <= PASSAGE_CHARACTERS
    assert "".join(passage for _, passage in found) == text
    endless = "长" * 1000
    assert "".join(passage for _, passage in passages_of("a.md", endless.encode())) == endless


def test_the_starter_set_is_whole_and_honest():
    entries = knowledge.starter_entries()
    assert len(entries) >= 120
    for entry in entries:
        assert 60 <= len(entry.text) <= 200, entry.id
        assert 2 <= len(set(entry.asked)) == len(entry.asked) <= 8 and entry.title and entry.date
        assert bool(entry.guideline) == bool(entry.url), entry.id
        assert not entry.url or entry.url.startswith(("https://", "http://"))


def test_a_changed_entry_loses_its_signature_and_the_others_keep_theirs(starter, monkeypatch):
    first, second, *rest = knowledge.starter_entries()
    for entry in (first, second):
        url = f"/api/v1/documents/starter-{entry.id}/review"
        assert starter.client.post(url, headers=starter.as_("doc")).status_code == 201
    changed = type(first)(**{**first.__dict__, "text": first.text + "请遵医嘱。"})
    monkeypatch.setattr(knowledge, "starter_entries", lambda: [changed, second, *rest])
    monkeypatch.setattr(knowledge, "version", lambda: "another")
    services.bring_up_to_date(starter.database)
    assert services.get(starter.database, f"starter-{first.id}").reviewed_at is None
    assert services.get(starter.database, f"starter-{second.id}").reviewed_at


def test_what_came_with_the_box_cannot_be_deleted(starter):
    entry = knowledge.starter_entries()[0]
    gone = starter.client.delete(f"/api/v1/documents/starter-{entry.id}", headers=starter.as_("boss"))
    assert gone.json()["error"]["code"] == "document_built_in"


def test_each_known_phrasing_finds_its_own_entry(starter):
    wrong = []
    for entry in knowledge.starter_entries():
        for phrase in (entry.title, *entry.asked):
            found = services.search(starter.database, phrase)
            if entry.title not in [passage.title for passage in found]:
                wrong.append((phrase, [passage.title for passage in found]))
    assert len(wrong) <= 0.03 * 4 * len(knowledge.starter_entries()), wrong


@pytest.mark.parametrize(
    "question",
    [
        *("股票还能涨吗", "帮我写一首诗", "拖拉机打不着火", "今年玉米卖多少钱", "", "？？？"),
        *("大豆地里长草打啥", "烧饼怎么烙才酥", "儿子数学不及格咋辅导", "摄像头连不上网", "庙会哪天开"),
    ],
)
def test_what_is_no_matter_of_health_finds_nothing(starter, question):
    assert services.search(starter.database, question) == []


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("娃烧得滚烫，咋给他退", "孩子发烧怎么护理"),
        ("尿酸七百多，豆腐还吃不吃", "痛风不能吃什么"),
        ("我妈老忘事，是不是老糊涂了", "老人记性变差是不是痴呆"),
        ("让狗啃了一口，破了皮", "被狗咬了怎么办"),
    ],
)
def test_a_villager_s_words_find_the_entry(starter, question, title):
    found = services.search(starter.database, question)
    assert found and found[0].title == title
    assert 0 < found[0].fit <= 1


def test_a_hospital_s_own_document_is_found_though_the_like_of_it_was_learnt_as_answered_nowhere(starter):
    hours = "# 上班时间\n卫生院门诊周一到周日都上班，上午8点到12点，下午2点到5点半。夜里走急诊。\n"
    assert services.search(starter.database, "星期天门诊开不开") == []
    add(starter, "就诊须知.md", hours.encode())
    for question in ("卫生院星期天上班吗", "星期天门诊开不开"):  # the first was learnt
        assert [each.title for each in services.search(starter.database, question)] == ["就诊须知：上班时间"]


def test_without_vectors_words_alone_find_passages(starter, monkeypatch):
    monkeypatch.setattr("llm.embedding.of_question", lambda question: None)
    assert services.search(starter.database, "孩子流鼻血捏鼻子仰头")[0].title == "流鼻血怎么止"
    assert services.search(starter.database, "拖拉机打不着火") == []


def test_a_follow_up_is_understood_from_the_question_before_it(starter):
    first = ask(starter, "高血压平时怎么吃")
    again = ask(starter, "那咸菜呢", previousId=first["id"])
    assert again["previousId"] == first["id"] and again["sources"]
    assert ask(starter, "那咸菜呢", who="bo", previousId=first["id"])["error"]["code"] == "consultation_not_found"


def test_an_answer_is_rated_by_who_asked_alone(starter):
    asked = ask(starter, "高血压平时怎么吃")
    url = f"/api/v1/consultations/{asked['id']}/rating"
    assert starter.client.put(url, headers=starter.as_("ann"), json={"rating": -1}).status_code == 204
    assert starter.client.put(url, headers=starter.as_("doc"), json={"rating": 1}).status_code == 404
    assert starter.client.put(url, headers=starter.as_("ann"), json={"rating": 5}).status_code == 422
    read = starter.client.get(f"/api/v1/consultations/{asked['id']}", headers=starter.as_("ann"))
    assert read.json()["rating"] == -1


def test_everyone_exports_their_own_and_an_admin_all(starter):
    ask(starter, "高血压平时怎么吃")
    ask(starter, "糖尿病人怎么吃", who="bo")

    def exported(who: str, **query: bool) -> int:
        url = "/api/v1/consultations/export"
        return len(starter.client.get(url, headers=starter.as_(who), params=query).json())

    assert [exported("ann"), exported("ann", everyones=True), exported("boss"), exported("boss", everyones=True)] == [
        1,
        1,
        0,
        2,
    ]
