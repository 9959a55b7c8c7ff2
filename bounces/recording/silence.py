"""How long an address has been silent: the mails delivered since it last replied or clicked.

In: attempts that a batch has just learnt to be delivered; addresses that answered, or whose attempts turned out to be
one. Out: a narrow row an address, always what a count over its attempts would give, so that neither the order of events
nor a repetition matters (I2, I4), and so that no page has to count.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from bounces.statements import columns, run

# The newest answer of an address; what was delivered before it is answered.
ANSWERED = "COALESCE(GREATEST(a.last_reply_at, a.last_click_at), '-infinity')"

ADD = f"""
INSERT INTO bounces_silence (address_id, delivered, since)
SELECT n.id, count(*), min(n.at)
FROM unnest(%(ids)b::bigint[], %(dates)b::timestamptz[]) AS n(id, at) JOIN bounces_address a ON a.id = n.id
WHERE n.at > {ANSWERED}
GROUP BY n.id ORDER BY n.id
ON CONFLICT (address_id) DO UPDATE
SET delivered = bounces_silence.delivered + excluded.delivered, since = LEAST(bounces_silence.since, excluded.since)
"""  # noqa: S608  (a constant of this module)
RECOUNT = f"""
WITH counted AS (
    SELECT t.address_id, count(*) AS delivered, min(t.delivered_at) AS since
    FROM bounces_attempt t JOIN bounces_address a ON a.id = t.address_id
    WHERE t.address_id = ANY(%(ids)b::bigint[]) AND t.delivered_at > {ANSWERED}
    GROUP BY t.address_id
), gone AS (
    DELETE FROM bounces_silence
    WHERE address_id = ANY(%(ids)b::bigint[]) AND address_id NOT IN (SELECT address_id FROM counted)
)
INSERT INTO bounces_silence (address_id, delivered, since)
SELECT address_id, delivered, since FROM counted ORDER BY address_id
ON CONFLICT (address_id) DO UPDATE SET delivered = excluded.delivered, since = excluded.since
"""  # noqa: S608  (a constant of this module)


def count_silence(delivered: Sequence[tuple[int, datetime]], to_recount: Collection[int]) -> None:
    """`delivered`: an address and a date for each attempt that is delivered by now and was not before.

    The addresses are locked by the caller, and their dates of reply and click are up to date.
    """
    added = [(address_id, at) for address_id, at in delivered if address_id not in to_recount]
    if added:
        run(ADD, columns(added, ("ids", "dates")))
    if to_recount:
        run(RECOUNT, {"ids": sorted(to_recount)})
