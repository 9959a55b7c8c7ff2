"""Score pairs of companies that share a domain, or a name apart from its legal form.

In: all companies, which are far fewer than contacts. Out: pairs with score and reasons. Points: `rules.toml`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from django.db.models import QuerySet
from django.db.models.functions import Lower

from bounces.address_kinds import FREE_DOMAINS
from contacts.duplicates.facts import LEGAL_FORMS, company_key
from contacts.duplicates.keeping import Pair
from contacts.duplicates.names import RULES, WORD
from contacts.duplicates.scoring import CERTAIN, MOST, THRESHOLD, Judgement
from contacts.models import Company

POINTS: dict[str, int] = {name: rule["points"] for name, rule in RULES["company_rules"].items()}
LARGEST: int = RULES["largest_group"]["company_name"]


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    pk: int
    name: str  # folded
    domain: str = ""
    country: str = ""
    owner_id: int | None = None

    @property
    def words(self) -> str:
        """The name without punctuation: `Acme, Inc.` is `acmeinc`."""
        return "".join(WORD.findall(self.name.replace(".", "").replace("&", " and ")))

    @property
    def legal_form(self) -> frozenset[str]:
        return LEGAL_FORMS & set(WORD.findall(self.name.replace(".", "")))


def find_companies() -> tuple[dict[Pair, Judgement], int]:
    """Return the pairs, and the number of groups that were too large to compare."""
    return pairs_among(facts_of_companies(Company.objects.all()))


def facts_of_companies(companies: QuerySet[Company]) -> list[CompanyFacts]:
    rows = companies.order_by("pk").values_list("pk", "sort_name", Lower("domain"), "country", "owner_id")
    return [CompanyFacts(*row) for row in rows]


def pairs_among(companies: Iterable[CompanyFacts]) -> tuple[dict[Pair, Judgement], int]:
    groups: defaultdict[tuple[str, str], list[CompanyFacts]] = defaultdict(list)
    for company in companies:
        groups["name", company_key(company.name)].append(company)
        if company.domain and company.domain not in FREE_DOMAINS:
            groups["domain", company.domain].append(company)
    found: dict[Pair, Judgement] = {}
    skipped = 0
    for group in groups.values():
        if len(group) > LARGEST:
            skipped += 1
            continue
        for one, two in combinations(sorted(group, key=lambda company: company.pk), 2):
            if judged := judge_companies(one, two):
                found[one.pk, two.pk] = judged
    return found, skipped


def judge_companies(one: CompanyFacts, two: CompanyFacts) -> Judgement | None:
    reasons = list(_reasons(one, two))
    points = sum(POINTS[reason] for reason in reasons)
    if points < THRESHOLD:
        return None
    is_certain = (
        "same_company_name" in reasons
        and all(POINTS[reason] > 0 for reason in reasons)
        and not (one.owner_id and two.owner_id and one.owner_id != two.owner_id)
    )
    return Judgement(CERTAIN if is_certain else min(points, MOST), "company", reasons, is_certain)


def _reasons(one: CompanyFacts, two: CompanyFacts) -> Iterator[str]:
    if one.words == two.words:
        yield "same_company_name"
    elif company_key(one.name) == company_key(two.name):
        forms = one.legal_form, two.legal_form
        yield "other_legal_form" if all(forms) and forms[0] != forms[1] else "similar_company_name"
    if one.domain and two.domain and one.domain not in FREE_DOMAINS:
        yield "same_website" if one.domain == two.domain else "other_website"
    if one.country and two.country and one.country != two.country:
        yield "other_country"
