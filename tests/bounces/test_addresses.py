"""What an address is: the quick look says yes only to what nobody could doubt."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from bounces.addresses import BadAddress, is_plain, normalise, normalise_reachable

PLAIN = re2.compile(
    r"[a-z0-9_+=!#$%&'*/?^`{|}~-]+(?:\.[a-z0-9_+=!#$%&'*/?^`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}"
)


@given(st.text(alphabet="ab0.-@_A ", max_size=24))
def test_the_quick_look_agrees_with_the_pattern(text: str):
    assert is_plain(text) == bool(PLAIN.fullmatch(text) and "--" not in text.partition("@")[2])


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("ada@example.org", True), ("a.b+c@x-y.example.org", True), (f"{'a' * 64}@example.org", True),
        (f"{'a' * 65}@example.org", False), (f"a@{'b' * 63}.example.org", True), (f"a@{'b' * 64}.example.org", False),
        (f"a@{'b.' * 130}org", False), ("ada@xn--bcher-kva.example", False), ("ada@example.o1", False),
        ("ada@example", False), ("ada@@example.org", False), ("ädä@example.org", False), ("", False), ("@", False),
    ],
)  # fmt: skip
def test_lengths_and_letters_are_looked_at_too(text: str, is_so: bool):
    assert is_plain(text) is is_so


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" Ada@Example.ORG ", "ada@example.org"), ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
    ],
)  # fmt: skip
def test_an_address_has_one_form(text: str, kept: str):
    assert normalise(text) == kept


@pytest.mark.parametrize("text", ["", "ada", "ada@", "a b@example.org", "ada@-x.example.org", f"{'a' * 300}@x.example"])
def test_what_is_none_is_said(text: str):
    with pytest.raises(BadAddress):
        normalise(text)


@pytest.mark.parametrize("text", ["bob@example", "bob@xn--bcher-kva"])
def test_a_bare_host_is_kept_of_what_came_back_and_refused_to_be_written_to(text: str):
    assert normalise(text) == text
    with pytest.raises(BadAddress, match="no dot"):
        normalise_reachable(text)
