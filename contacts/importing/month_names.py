"""Months by their names in twelve languages. In: a word. Out: 1 to 12. Pure."""

from __future__ import annotations

import unicodedata
from functools import cache

NAMES = """
january januar janvier enero gennaio janeiro januari styczen stycznia leden ledna ocak январь января janner jan янв

february februar fevrier febrero febbraio fevereiro februari luty lutego unor unora subat февраль февраля feber feb
fev фев

march marz mars marzo marco maart mart marzec marca brezen brezna март марта mrz mar mär мар

april avril abril aprile kwiecien kwietnia duben dubna nisan апрель апреля apr avr abr апр

may mai mayo maggio maio mei maj maja kveten kvetna mayis май мая mag

june juni juin junio giugno junho czerwiec czerwca cerven cervna haziran июнь июня jun juno июн giu

july juli juillet julio luglio julho lipiec lipca cervenec cervence temmuz июль июля jul juil июл lug

august aout agosto augustus augusti sierpien sierpnia srpen srpna agustos август августа aug авг ago

september septembre septiembre settembre setembro wrzesien wrzesnia zari eylul сентябрь сентября sep sept set сен

october oktober octobre octubre ottobre outubro pazdziernik pazdziernika rijen rijna ekim октябрь октября oct okt
ott out окт

november novembre noviembre novembro listopad listopada listopadu kasim ноябрь ноября nov ноя

december dezember decembre diciembre dicembre dezembro grudzien grudnia prosinec prosince aralik декабрь декабря
dec dez дек dic
"""


def month_of(name: str) -> int:
    """Raises ValueError for a word that is no month. “Listopad” is November to Poles and to Czechs."""
    plain = _plain(name.strip("."))
    if plain not in _months():
        raise ValueError(name)
    return _months()[plain]


@cache
def _months() -> dict[str, int]:
    months = NAMES.split("\n\n")
    return {_plain(name): number for number, names in enumerate(months, start=1) for name in names.split()}


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
