"""Return-path tokens: what they prove, and that no text is without an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces.return_path import (
    LENGTH,
    MOST_ATTEMPTS,
    PREFIX,
    TokenState,
    find_token,
    judge_token,
    make_token,
    parse_keys,
)
from tests.builders import NOW

ADA = "ada@example.org"
OLD, NEW = "1:" + "old secret " * 4, "2:" + "new secret " * 4
KEYS = parse_keys([NEW, OLD])
LATER = NOW + timedelta(days=30)
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def judged(address: str, recipient: str = ADA, keys=KEYS, now=NOW) -> TokenState:
    return judge_token(find_token(address), recipient, keys, now)


def test_a_token_proves_its_recipient_until_it_expires():
    path = make_token(7, ADA, LATER, KEYS) + "@bounces.example"

    assert judged(path) == "valid"
    assert judged(path, now=LATER - timedelta(seconds=1)) == "valid"
    assert judged(path, now=LATER) == "expired"


def test_a_token_proves_nothing_about_anyone_else():
    assert judged(make_token(7, ADA, LATER, KEYS), "grace@example.org") == "wrong"


def test_a_token_names_its_attempt_and_its_end():
    token = find_token(make_token(7, ADA, LATER, KEYS))
    assert token is not None
    assert (token.attempt_id, token.expires_at, token.key_id) == (7, LATER, 2)


def test_a_token_fits_a_local_part_in_lower_case_and_hides_its_recipient():
    local = make_token(MOST_ATTEMPTS, ADA, LATER, KEYS)
    assert len(local) == len(PREFIX) + LENGTH <= 64
    assert local == local.lower()
    assert "ada" not in local


def test_a_token_survives_folded_case_and_angle_brackets():
    path = make_token(7, ADA, LATER, KEYS).upper() + "@BOUNCES.EXAMPLE"
    assert judged(path) == judged(f" <{path}> ") == "valid"


def test_an_older_key_is_believed_until_it_is_taken_out_of_the_settings():
    path = make_token(7, ADA, LATER, parse_keys([OLD]))
    assert judged(path) == "valid"
    assert judged(path, keys=parse_keys([NEW])) == "unknown_key"


def test_the_same_secret_under_another_id_makes_another_token():
    renamed = parse_keys([OLD.replace("1:", "3:")])
    assert make_token(7, ADA, LATER, renamed) != make_token(7, ADA, LATER, parse_keys([OLD]))


@given(st.integers(1, MOST_ATTEMPTS), st.emails(), st.integers(0, 2**32 - 1))
def test_every_token_is_read_as_it_was_made(attempt_id, recipient, seconds):
    at = NOW.fromtimestamp(seconds, NOW.tzinfo)
    token = find_token(make_token(attempt_id, recipient, at, KEYS) + "@b.example")
    assert token is not None
    assert (token.attempt_id, token.expires_at) == (attempt_id, at)
    assert judge_token(token, recipient, KEYS, at - timedelta(seconds=1)) == "valid"


@given(st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_one_altered_character_is_never_valid(place, character):
    local = make_token(7, ADA, LATER, KEYS)
    altered = local[: len(PREFIX) + place] + character + local[len(PREFIX) + place + 1 :]
    assert (judged(altered) == "valid") == (altered == local)


@given(st.text(max_size=80) | st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH).map(lambda text: PREFIX + text))
def test_any_text_has_an_answer_and_proves_nothing(text):
    assert judged(text) in ("absent", "wrong", "unknown_key")


@pytest.mark.parametrize("text", ["", "b+", "b+short@x", "ada@example.org", "b+" + "é" * LENGTH, "b+" + "a" * LENGTH])
def test_what_is_no_token_is_absent(text):
    assert judged(text) == "absent"


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        ([], "no key"),
        (["secret"], "id:secret"),
        (["256:" + "s" * 40], "id:secret"),
        (["-1:" + "s" * 40], "id:secret"),
        (["1:short"], "shorter than 32"),
        ([OLD, "1:" + "s" * 40], "twice"),
    ],
)
def test_keys_that_make_no_sense_are_told_in_words(texts, fault):
    with pytest.raises(ValueError, match=fault):
        parse_keys(texts)
