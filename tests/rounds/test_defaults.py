"""The shipped form and scorecard are what a manager may rely on."""

import re

import pytest

from fund.applying.queries import PROJECT
from fund.rounds import defaults

QUESTIONS = [question for section in defaults.form() for question in section.questions]
CRITERIA = {criterion.key: criterion for criterion in defaults.scorecard()}


def test_the_sections_are_the_topics_of_a_proposal_in_order():
    assert [section.title for section in defaults.form()] == [
        "About the project",
        "The problem and the evidence",
        "What you will do",
        "Who is affected and safety",
        "Sharing what you learn",
        "Budget in words",
    ]


def test_keys_are_plain_and_each_is_used_once():
    for keys in (
        [section.key for section in defaults.form()],
        [question.key for question in QUESTIONS],
        list(CRITERIA),
    ):
        assert len(set(keys)) == len(keys)
        assert [key for key in keys if not re.fullmatch(r"[a-z][a-z_]*", key)] == []


def test_no_section_goes_by_the_name_of_the_page_for_title_theme_and_amount():
    assert PROJECT not in {section.key for section in defaults.form()}


def test_questions_name_criteria_that_there_are_and_every_criterion_has_an_answer_to_look_at():
    assert {question.criterion for question in QUESTIONS} - {""} == set(CRITERIA)


def test_people_in_danger_are_thought_of_before_somebody_writes():
    safety = next(section for section in defaults.form() if section.key == "people")
    assert "Do not write addresses or names of people in danger" in safety.intro


@pytest.mark.parametrize("key", list(CRITERIA))
def test_each_criterion_describes_the_scores_from_0_to_4(key):
    criterion = CRITERIA[key]
    assert criterion.top == 4
    assert len(set(criterion.anchors)) == 5
    assert criterion.weight > 0
    assert criterion.hint


def test_the_weights_are_parts_of_ten():
    assert sum(criterion.weight for criterion in CRITERIA.values()) == 10


def test_every_long_answer_has_a_guide_for_its_length():
    assert [question.key for question in QUESTIONS if question.kind == "long" and not question.words] == []
