"""Which addresses a run is about, where its caller names them. In: what people typed. Out: a queryset and its name."""

from __future__ import annotations

from django.db.models import QuerySet

from bounces.addresses import domain_of, normalise
from bounces.models import Address


def of_domain(text: str) -> tuple[QuerySet[Address], str]:
    """The addresses at a domain, its subdomains not among them, and the scope's label. Raises BadAddress."""
    domain = domain_of(normalise(f"someone@{text.strip().removeprefix('@')}"))
    return Address.objects.filter(domain=domain), f"Domain {domain}"
