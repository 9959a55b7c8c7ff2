"""What the template tags say."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone

from bounces.values import Answer, Fault, Kind, Standing, Status
from crm import wording
from crm.templatetags import rebound

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def rendered(text: str, **context: object) -> str:
    return Template("{% load rebound %}" + text).render(Context(context)).strip()


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(days=29), "29 d ago"),
        (timedelta(days=40), "23 Sep"),
        (timedelta(days=400), "28 Sep 2025"),
        (timedelta(hours=-3), "in 3 h"),
    ],
)
def test_a_moment_is_told_relatively_then_by_its_date(gone, words):
    assert rebound.relative(NOW - gone, NOW) == words


def test_the_exact_moment_stands_in_the_title(settings):
    settings.TIME_ZONE = "UTC"
    assert 'title="2 Nov 2026, 10:00 UTC"' in rebound.ago(NOW)


def test_a_day_has_no_time_and_nothing_is_a_dash():
    assert rebound.ago(date(2020, 5, 1)) == '<time datetime="2020-05-01" title="1 May 2020">1 May 2020</time>'
    assert rebound.ago(None) == "–"


def test_a_day_of_this_year_is_told_without_its_year():
    assert rebound.ago(timezone.localdate().replace(month=5, day=1)).endswith(">1 May</time>")


def test_an_address_breaks_at_its_marks_and_is_escaped():
    assert rebound.breakable("ada@<b>.example") == "ada@<wbr>&lt;b&gt;<wbr>.example"


@pytest.mark.parametrize(("value", "words"), [(0.0123, "1.23 %"), (0.0, "0.00 %"), (None, "unknown")])
def test_a_rate_without_attempts_is_unknown(value, words):
    assert rebound.rate(value) == words


@pytest.mark.parametrize(("part", "whole", "words"), [(1, 4, "25 %"), (1, 1000, "< 1 %"), (0, 9, "0 %"), (0, 0, "0 %")])
def test_a_share_of_little_is_not_nothing(part, whole, words):
    assert rebound.share(part, whole) == words


@pytest.mark.parametrize(("name", "letters"), [("Ada Lovelace", "AL"), ("ada@example.org", "A"), ("", "?")])
def test_initials_are_at_most_two(name, letters):
    assert rebound.initials(name) == letters


@pytest.mark.parametrize(
    ("vocabulary", "words"),
    [("status", Status), ("verdict", Answer), ("kind", Kind), ("fault", Fault), ("standing", Standing)],
)
def test_every_word_of_a_vocabulary_has_its_badge(vocabulary, words):
    assert set(wording.BADGES[vocabulary]) == {str(word) for word in words}


@pytest.mark.parametrize("vocabulary", sorted(wording.BADGES))
def test_no_two_words_of_a_vocabulary_look_the_same(vocabulary):
    """Colour is never alone: the word tells them apart."""
    badges = wording.BADGES[vocabulary].values()
    assert len({badge.label for badge in badges}) == len(badges)


def test_a_word_nobody_knows_is_shown_as_it_is():
    assert wording.badge("status", "half_dead").label == "Half dead"


@pytest.mark.parametrize(
    ("rate", "word"),
    [(None, "unknown"), (0.0, "healthy"), (0.0099, "healthy"), (0.01, "watch"), (0.0199, "watch"), (0.02, "stop")],
)
def test_the_lines_are_at_one_and_two_per_cent(rate, word):
    assert wording.rate_word(rate) == word


def test_a_status_is_named_in_running_text():
    assert rebound.status_label("at_risk") == "At risk"


def test_a_badge_has_icon_and_word():
    html = rendered('{% include "components/status_badge.html" with status="at_risk" %}')
    assert "<svg" in html
    assert "At risk" in html
    assert "tone-watch" in html


def test_an_icon_is_hidden_from_screen_readers():
    assert 'aria-hidden="true"' in rendered('{% icon "inbox" %}')


class AForm(forms.Form):
    name = forms.CharField(help_text="As on the card.")
    wanted = forms.BooleanField()


def test_a_field_shows_its_error_and_names_its_help():
    html = rendered('{% include "components/field.html" with field=form.name %}', form=AForm({}))
    assert "form-control is-invalid" in html
    assert "This field is required." in html
    assert 'id="id_name_helptext"' in html
    assert 'aria-describedby="id_name_helptext' in html


def test_a_tick_box_gets_its_own_class():
    html = rendered('{% include "components/field.html" with field=form.wanted %}', form=AForm())
    assert 'class="form-check-input"' in html


def test_options_are_escaped_and_follow_their_pairs():
    pairs = {"a&b": "<Tag>", "": "Any"}.items()
    said = '<option value="a&amp;b">&lt;Tag&gt;</option>\n<option value="">Any</option>'
    assert rendered("{% options pairs %}", pairs=pairs) == said
    assert rendered("{% options pairs %}", pairs=[("x", "Other")]) == '<option value="x">Other</option>'
