"""Names as people write them, compared as one: headers of columns, labels, words of a status. Pure."""

from __future__ import annotations

import unicodedata

LONGEST = 200


def plain_name(text: str) -> str:
    """Without case, accents and punctuation: “E-Mail-Adresse” is e_mail_adresse, “Prénom” is prenom."""
    letters = unicodedata.normalize("NFKD", text[:LONGEST].casefold())
    kept = "".join(
        character if character.isalnum() else " " for character in letters if not unicodedata.combining(character)
    )
    return "_".join(kept.split())
