"""Codes are explained in words, the unknown ones too."""

import pytest

from bounces.codes import explain_enhanced_code, explain_reply_code


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("5.1.1", "A permanent failure: the mailbox does not exist."),
        ("4.2.2", "A passing failure: the mailbox is full."),
        ("5.7.99", "A permanent failure: about security or policy."),
        ("5.9.9", "A permanent failure: about an unknown subject."),
        ("nonsense", "Not a code of RFC 3463."),
        ("", ""),
    ],
)
def test_an_enhanced_code_in_words(code, words):
    assert explain_enhanced_code(code) == words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (550, "The mailbox is not available, or the mail is refused by policy."),
        (599, "A permanent failure."),
        (299, "A success."),
        (999, "Not a code of SMTP."),
        (None, ""),
    ],
)
def test_a_reply_code_in_words(code, words):
    assert explain_reply_code(code) == words
