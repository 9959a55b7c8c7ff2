"""Search over everything by which people know a contact."""

from __future__ import annotations

import unicodedata

import pytest
from django.db import connection

from contacts import frequency, search
from contacts.models import Company, Contact
from contacts.search import Term, companies_matching, matching, terms_of
from tests.builders import NOW, a_company, a_contact

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, params=["few contacts", "rare words", "common words"])
def way(request, monkeypatch):
    """The three ways in which the database is asked find the same."""
    frequency.forget_sample()
    if request.param != "few contacts":
        monkeypatch.setattr(frequency, "LARGE", 0)
        monkeypatch.setattr(search, "RARE", 1.0 if request.param == "rare words" else -1.0)
        people = (Contact(title=f"zq{number}x", deleted_at=NOW) for number in range(200))
        Contact.objects.bulk_create(people)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE contacts_contact")
        assert frequency.sample()
    yield request.param
    frequency.forget_sample()


def found(text: str) -> list[Contact]:
    return list(matching(Contact.objects.present(), text).order_by("id"))


def companies_found(text: str) -> list[str]:
    return [company.name for company in companies_matching(Company.objects.all(), text).order_by("id")]


def test_parts_of_every_text_find_the_contact_in_any_case():
    ada = a_contact(
        "ada@engines.example",
        others=("countess@home.example",),
        last_name="Lovelace",
        company="Analytical",
        title="Head of Engines",
        tags=("Trade fair",),
    )
    a_contact("bob@example.org", first_name="Bob", last_name="Builder")
    texts = ("lovel", "NALYTIC", "engines.ex", "countess@", "head of", "FAIR")
    assert [found(text) for text in texts] == [[ada]] * len(texts)


@pytest.mark.parametrize("text", ["ada lovelace", "Lovelace, Ada", "LACE ada analyt", "Ada <ada@engines.example>"])
def test_words_find_in_any_order(text):
    ada = a_contact("ada@engines.example", first_name="Ada", last_name="Lovelace", company="Analytical")
    a_contact(first_name="Ada", last_name="Byron")
    assert found(text) == [ada]


ACCENTS = [
    ("Zoë", "zoe"),
    ("Zoe", "ZOË"),
    ("Müller", "muller"),
    ("Straße", "STRASSE"),
    ("Strasse", "straße"),
    ("Łukasz", "lukasz"),
    ("Nguyễn", "nguyen"),
    ("Ｆｕｌｌ", "full"),
    ("Анна", "АННА"),
    ("Γιώργος", "γιωργος"),
    ("北京", "北京"),
    ("北京", "京"),
    ("김철수", "철수"),
    ("Ёлкина", "елкина"),
]


@pytest.mark.parametrize(("name", "text"), ACCENTS)
def test_accents_case_and_width_make_no_difference(name, text):
    contact = a_contact(last_name=name)
    a_contact(last_name="Someone")
    for form in ("NFC", "NFD"):
        assert found(unicodedata.normalize(form, text)) == [contact]


@pytest.mark.parametrize(("name", "text"), ACCENTS)
def test_companies_are_found_likewise(name, text):
    a_company(name)
    a_company("Somebody")
    assert companies_found(text) == [name]


@pytest.mark.parametrize("email", ["info@xn--bcher-kva.example", "info@xn--mnchen-3ya.xn--bcher-kva.example"])
@pytest.mark.parametrize("text", ["Bücher", "bucher", "xn--bcher", "bücher.example", "BÜCHER.EXAMPLE"])
def test_part_of_an_international_domain_finds_in_either_form(email, text):
    contact = a_contact(email)
    a_contact("info@books.example")
    assert found(text) == [contact]


@pytest.mark.parametrize(
    "domain", ["bücher.example", "例え.テスト", "пример.испытание", "παράδειγμα.δοκιμή", "מבחן.example", "xn--.example"]
)
def test_an_international_address_is_found_as_it_is_written(domain):
    stored = ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in domain.split(".")
    )
    contact = a_contact(f"info@{stored}")
    assert found(f"Info@{domain}") == [contact]
    assert found(f"info@{stored}") == [contact]


@pytest.mark.parametrize("label", ["xn--", "xn---", "xn--a", "xn--0", "xn--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz99", "xn--é"])
def test_a_label_that_is_no_punycode_stays_as_it_is(label):
    contact = a_contact(f"ada@{label}.example")
    assert found(f"{label}.example") == [contact]


TYPED = ["030 1234", "0301234", "+49 30 1234", "(030) 12-34", "+49 (0)30 1234", "0049 30 1234", "030/12.34", "301234"]


@pytest.mark.parametrize("stored", ["+49301234", "030 1234", "(030) 12-34", "+49 (0) 30 1234", "0049 30 1234"])
@pytest.mark.parametrize("typed", TYPED)
def test_a_phone_number_is_found_however_it_is_written(stored, typed):
    contact = a_contact(phone=stored)
    a_contact(phone="+49305678")
    assert found(typed) == [contact]


@pytest.mark.parametrize("typed", ["1234", "12-34", "+49 30", "ada 030 1234"])
def test_part_of_a_phone_number_finds_it(typed):
    contact = a_contact(phone="+49301234", first_name="Ada")
    a_contact(phone="+33612121212", first_name="Bob")
    assert found(typed) == [contact]


def test_numbers_that_are_no_phone_are_words_too():
    fair = a_contact(tags=("Fair 2024 10",))
    assert found("2024 10") == [fair]


@pytest.mark.parametrize("text", ["crm-1815", "CRM-1815", "crm-1815 ada", " crm-1815 "])
def test_an_external_id_finds_its_contact(text):
    contact = a_contact(external_id="crm-1815", first_name="Ada")
    a_contact(external_id="crm-1816")
    assert found(text) == [contact]


def test_an_id_in_any_tool_finds_its_contact():
    contact = a_contact()
    contact.external_ids.create(tool="hubspot", external_id="HS-7")
    assert found("hs-7") == [contact]


def test_an_external_id_of_several_words_finds_its_contact():
    contact = a_contact(external_id="No 12 b")
    a_contact(last_name="No")
    assert found("no 12 b") == []
    assert found("No 12 b") == [contact]


@pytest.mark.parametrize(("text", "count"), [("l", 1), ("lo", 1), ("ov", 0), ("a lo", 1), ("Ł", 1), ("ад", 1)])
def test_one_or_two_letters_begin_a_word(text, count):
    a_contact("x@y.example", first_name="Ada", last_name="Lovelace", title="Адмирал")
    assert len(found(text)) == count


@pytest.mark.parametrize("text", ["%", "_da", "\\", "'", "\x00%", "&", "100%"])
def test_wildcards_and_signs_alone_find_nobody(text):
    a_contact(first_name="Ada", last_name="Lovelace")
    assert found(text) == []


def test_signs_beside_words_are_passed_over():
    contact = a_contact(company="Ada & Sons")
    assert found("ada & sons") == [contact]


@pytest.mark.parametrize("text", ["", "   "])
def test_no_words_find_everybody(text):
    contact = a_contact()
    assert found(text) == [contact]


def test_words_in_a_row_that_look_like_a_phone_number_are_one_term():
    assert terms_of("ada +49 30 1234 berlin") == [
        Term(("ada",)),
        Term(("+49", "30", "1234"), "301234"),
        Term(("berlin",)),
    ]


@pytest.mark.parametrize("text", ["lovelace", "анна", "北京", "030 1234", "lo", "bücher", "a@b.example"])
def test_the_trigram_index_is_asked_for_every_kind_of_word(text):
    plan = plan_of(matching(Contact.objects.all(), text))
    assert "contact_search" in plan
    assert "Seq Scan" not in plan


def test_a_whole_address_finds_those_who_have_it_alone():
    a_contact("ada@x.example.org")
    contact = a_contact("ada@x.example")
    assert found("ada@x.example") == [contact]


def test_a_sample_knows_rare_letters_and_the_share_of_words():
    sample = frequency.Sample(["anna smith", "anna jones"], frequency.Counter({"ann": 2, "nna": 2, "smi": 1, "ith": 1}))
    assert sample.share_of(["anna", "smith"]) == 0.5
    assert sample.rarest("smith", 2) == ["mit", "ith"]


def plan_of(contacts):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        return contacts.order_by().explain()
