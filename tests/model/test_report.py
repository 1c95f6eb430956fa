"""What the README says of the releases is what their records say."""

import pytest

from model import report
from model.sheet import chosen


def test_the_readme_is_as_the_records_make_it():
    text = report.README.read_text("utf-8")
    assert report.fill(text, report.tables()) == text, "run python -m model.report"
    for folder in report.folders():
        assert f"**{folder.parent.name} {folder.name}**" in text


def test_a_readme_without_its_marks_is_not_filled():
    with pytest.raises(ValueError, match="marked places"):
        report.fill("no marks", ["a table"])


def test_best_median_and_worst_are_chosen():
    scores = {f"image{n}": n / 10 for n in range(11)}
    assert [name for word, name in chosen(scores, 1)] == ["image10", "image5", "image0"]
