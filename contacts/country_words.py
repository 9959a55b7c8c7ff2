"""What people and files call a country -> its code. In: text. Out: ISO 3166-1 in two letters, or nothing. Pure.

Understood: two letters, three letters, and the names in the languages for which phonenumbers holds them (English,
German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Japanese, Chinese and others).
"""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from functools import cache
from pathlib import Path

import phonenumbers

from contacts.countries import COUNTRIES

# ISO 3166-1: three letters, then two.
THREE_AND_TWO = """
ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF ATGAG AUSAU AUTAT AZEAZ BDIBI BELBE BENBJ
BESBQ BFABF BGDBD BGRBG BHRBH BHSBS BIHBA BLMBL BLRBY BLZBZ BMUBM BOLBO BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF CANCA
CCKCC CHECH CHLCL CHNCN CIVCI CMRCM CODCD COGCG COKCK COLCO COMKM CPVCV CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DEUDE
DJIDJ DMADM DNKDK DOMDO DZADZ ECUEC EGYEG ERIER ESHEH ESPES ESTEE ETHET FINFI FJIFJ FLKFK FRAFR FROFO FSMFM GABGA GBRGB
GEOGE GGYGG GHAGH GIBGI GINGN GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD GRLGL GTMGT GUFGF GUMGU GUYGY HKGHK HMDHM HNDHN HRVHR
HTIHT HUNHU IDNID IMNIM INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT JAMJM JEYJE JORJO JPNJP KAZKZ KENKE KGZKG KHMKH
KIRKI KNAKN KORKR KWTKW LAOLA LBNLB LBRLR LBYLY LCALC LIELI LKALK LSOLS LTULT LUXLU LVALV MACMO MAFMF MARMA MCOMC MDAMD
MDGMG MDVMV MEXMX MHLMH MKDMK MLIML MLTMT MMRMM MNEME MNGMN MNPMP MOZMZ MRTMR MSRMS MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA
NCLNC NERNE NFKNF NGANG NICNI NIUNU NLDNL NORNO NPLNP NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN PERPE PHLPH PLWPW PNGPG POLPL
PRIPR PRKKP PRTPT PRYPY PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA SDNSD SENSN SGPSG SGSGS SHNSH SJMSJ SLBSB SLESL
SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST SURSR SVKSK SVNSI SWESE SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ
TKLTK TKMTM TLSTL TONTO TTOTT TUNTN TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM URYUY USAUS UZBUZ VATVA VCTVC VENVE VGBVG
VIRVI VNMVN VUTVU WLFWF WSMWS YEMYE ZAFZA ZMBZM ZWEZW
"""
ASIDE = re.compile(r"\([A-Za-z]{2,3}\)")  # “Germany (DE)”
# What the tables do not have, and people write.
ALSO = {
    "AE": "uae, emirates",
    "BA": "bosnia, bosnia and herzegovina",
    "BN": "brunei darussalam",
    "BO": "plurinational state of bolivia",
    "CD": "democratic republic of the congo, dr congo",
    "CI": "ivory coast",
    "CZ": "czech republic, tschechien",
    "GB": "great britain, britain, england, scotland, wales, northern ireland, grossbritannien, royaume uni",
    "IR": "islamic republic of iran",
    "KP": "democratic peoples republic of korea",
    "KR": "korea, republic of korea, korea republic of",
    "LA": "lao peoples democratic republic",
    "MD": "republic of moldova",
    "MK": "macedonia",
    "MM": "burma",
    "NL": "holland, the netherlands",
    "RU": "russian federation",
    "SY": "syrian arab republic",
    "SZ": "swaziland",
    "TL": "timor leste",
    "TR": "turkiye",
    "TZ": "united republic of tanzania",
    "US": "us, usa, united states of america, the united states, america, u s, u s a, etats unis d amerique",
    "VA": "holy see, vatican",
    "VE": "bolivarian republic of venezuela",
    "VN": "viet nam",
}
ALIASES = {"UK": "GB", "EL": "GR"}  # two letters that people and the EU write, and ISO does not


def country_code(text: str) -> str:
    """Two capitals, or empty where no country is called so. Of two letters those that ISO 3166-1 assigns."""
    text = text.strip()
    if len(text) == 2 and text.isascii() and text.isalpha():
        code = ALIASES.get(text.upper(), text.upper())
        return code if code in COUNTRIES else ""
    if len(text) > 100:
        return ""
    return _codes().get(_plain(text)) or _codes().get(_plain(ASIDE.sub(" ", text)), "")


@cache
def _codes() -> dict[str, str]:
    """The code by plain name: what is ours wins over what tables say."""
    names: dict[str, str] = {}
    for code, by_language in _names_by_language().items():
        if code in COUNTRIES:
            names |= {_plain(name): code for name in by_language.values() if not name.startswith("*")}
    names |= {_plain(name): code for code, name in COUNTRIES.items()}
    names |= {each[:3].lower(): each[3:] for each in THREE_AND_TWO.split()}
    names |= {_plain(name): code for code, also in ALSO.items() for name in also.split(",")}
    names.pop("", None)
    return names


def _names_by_language() -> dict[str, dict[str, str]]:
    """Phonenumbers' own table, read by itself: its package brings the area codes of the world along, 100 MB of them."""
    path = Path(phonenumbers.__file__).with_name("geodata") / "locale.py"
    spec = importlib.util.spec_from_file_location("phonenumbers.geodata.locale", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.LOCALE_DATA)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = (c if c.isalnum() else " " for c in letters if not unicodedata.combining(c) and c not in "'’.")
    return " ".join("".join(kept).split())
