"""Template tags of the pages: icons, badges, dates, shares, form fields, navigation.

In: what templates pass. Out: safe HTML or plain values. The words and tones stand in `crm/wording.py`, the entries of
the navigation in `crm/navigation.py`. To change one parameter of the present URL use Django's own `querystring`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.template.context import RequestContext
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from lucide.templatetags.lucide import lucide

from crm import navigation, wording

register = template.Library()


@lru_cache(maxsize=512)  # an icon is parsed from its XML each time otherwise: 0.1 ms, fifty times a list page
def _drawn(name: str, size: int, css: str) -> SafeString:
    return SafeString(
        lucide(name, size=size, aria_hidden="true", focusable="false", **{"class": f"icon {css}".strip()})
    )


@register.simple_tag
def icon(name: str, size: int = 16, css: str = "") -> SafeString:
    """One of Lucide's icons, by name, hidden from screen readers: the word beside it speaks."""
    return _drawn(name + "", size, css + "")  # adding "" unwraps SafeString, which the tag's parser makes


@register.simple_tag
def options(pairs: Iterable[tuple[object, object]]) -> SafeString:
    """Options of a menu from (value, label) pairs. Cached: a loop over 250 countries took 10% of a list page."""
    return _listed(tuple((str(value), str(label)) for value, label in pairs))


@lru_cache(maxsize=64)
def _listed(pairs: tuple[tuple[str, str], ...]) -> SafeString:
    return format_html_join("\n", '<option value="{}">{}</option>', pairs)


@register.simple_tag
def badge(vocabulary: str, word: object) -> wording.Badge:
    return wording.badge(vocabulary, word)


@register.filter
def status_label(status: object) -> str:
    """`at_risk` -> `At risk`."""
    return wording.badge("status", status).label


def relative(then: datetime, now: datetime) -> str:
    """How long ago in few words: `just now`, `5 min ago`, `3 h ago`, `2 d ago`; from 30 days on the date."""
    gone = now - then
    words = "in {}" if gone < timedelta() else "{} ago"
    seconds = abs(gone.total_seconds())
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return words.format(f"{int(seconds // 60)} min")
    if seconds < 86400:
        return words.format(f"{int(seconds // 3600)} h")
    if seconds < 30 * 86400:
        return words.format(f"{int(seconds // 86400)} d")
    return f"{then.day} {then:%b %Y}" if then.year != now.year else f"{then.day} {then:%b}"


@register.filter
def ago(moment: datetime | date | None) -> str:
    """A <time>: relative in the text, exact (with its zone) in the title. Nothing for an unknown moment."""
    if not moment:
        return "–"
    if not isinstance(moment, datetime):
        full = f"{moment.day} {moment:%b %Y}"
        said = full if moment.year != timezone.localdate().year else f"{moment.day} {moment:%b}"
        return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), full, said)
    local = timezone.localtime(moment)
    exact = f"{local.day} {local:%b %Y, %H:%M %Z}"
    said = relative(local, timezone.localtime(timezone.now()))
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.astimezone(UTC).isoformat(), exact, said)


@register.filter
def breakable(address: str) -> SafeString:
    """An address that may break after its @ and before its dots, rather than inside a word."""
    marked = conditional_escape(address).replace("@", "@<wbr>").replace(".", "<wbr>.")
    return SafeString(marked)


@register.filter
def rate(value: float | None) -> str:
    """0.0123 -> `1.23 %`. None, which is no attempts, is `unknown`, never 0."""
    return "unknown" if value is None else f"{value * 100:.2f} %"


@register.filter
def share(part: float, whole: float) -> str:
    """`part|share:whole` in per cent, whole numbers; `< 1 %` for a little, `0 %` only for nothing."""
    if not whole or not part:
        return "0 %"
    per_cent = 100 * part / whole
    return "< 1 %" if per_cent < 1 else f"{per_cent:.0f} %"


@register.filter
def initials(name: object) -> str:
    """`Ada Lovelace` -> `AL`; `ada@example.org` -> `A`."""
    words = str(name).split("@")[0].split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@register.simple_tag(takes_context=True)
def navigation_groups(context: RequestContext) -> list[tuple[str, list[navigation.Link]]]:
    request = context["request"]
    return navigation.groups(request.user, request.path)


WIDGET_CLASSES: tuple[tuple[tuple[type, ...], str], ...] = (
    ((RadioSelect, CheckboxSelectMultiple), "choices"),
    ((CheckboxInput,), "form-check-input"),
    ((Select,), "form-select"),
)


def widget_class(widget: object) -> str:
    """The first row that fits; everything else is a text field."""
    return next((css for types, css in WIDGET_CLASSES if isinstance(widget, types)), "form-control")


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


@register.simple_tag
def field_input(field: BoundField, **attrs: Any) -> SafeString:
    """The widget with Bootstrap's class, marked where it has errors. Django adds `aria-describedby` itself."""
    css = widget_class(field.field.widget)
    own = field.field.widget.attrs.get("class", "")
    marked = f"{css} {own} {'is-invalid' if field.errors else ''}"
    return field.as_widget(
        attrs={"class": " ".join(marked.split()), **{k.replace("_", "-"): v for k, v in attrs.items()}}
    )
