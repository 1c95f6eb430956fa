"""Whatever the audit log can be told is told in Chinese."""

import re

import pytest

from support.box import ROOT
from webadmin import wording

SOURCES = "\n".join(path.read_text("utf-8") for path in (ROOT / "appliance").rglob("*.py"))
ACTIONS = sorted(set(re.findall(r'audit\.record\([^"]*?"([a-z_]+\.[a-z_]+)"', SOURCES)))
COMPOSED = ("account.ask_deletion", "account.disable", "account.change_role", "comment.approved", "comment.rejected")
COMPOSED += ("article.update", "announcement.restore", "study.delete", "study.export", "study.read_mask")


def test_the_actions_were_found():
    assert len(ACTIONS) > 30 and "account.erase" in ACTIONS


@pytest.mark.parametrize("action", [*ACTIONS, *COMPOSED])
def test_an_action_has_its_words(action):
    assert not re.search("[a-z]", wording.action(action)), wording.action(action)
