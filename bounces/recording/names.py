"""The names of a message, and which attempt bears them.

In: Told values and the ids of their addresses. Out: of each the attempts that it is about. A message to an address is
named by its Message-ID ("m"), by its provider's id ("p"), or by the token in its return path ("t"). An attempt keeps
one Message-ID and one provider's id. Two names that are one message's beyond that are kept as SameMessage rows: told by
a tool or with a token for sure, told by any other report (a mail that gives both) as long as its provider's id comes
with one Message-ID alone: some senders give one envelope id to many messages. Stage: record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bounces.models import Attempt, MergedAttempt, SameMessage
from bounces.recording.told import Told
from bounces.statements import columns, run
from bounces.values import UNNAMED

Identity = tuple[int, str, str]  # address, "m" (Message-ID), "p" (provider's id) or "t" (by its token), the id
Pair = tuple[int, str, str]  # address, Message-ID, provider's id: names of one message
LONG_ID = 16  # characters: what providers make at random has more


def identities(told: Told, address_id: int) -> list[Identity]:
    """The best first."""
    found: list[Identity] = []
    if told.report.message_id:
        found.append((address_id, "m", told.report.message_id))
    if told.report.envelope_id:
        found.append((address_id, "p", provider_id(told)))
    if told.attempt_id is not None:
        found.append((address_id, "t", str(told.attempt_id)))
    return found


def provider_id(told: Told) -> str:
    """Long ids are one message's whoever tells them: a tool and the webhook of its provider. Short ones are a tool's
    own: two tools may count from 1.
    """
    name = told.report.envelope_id
    is_own = told.is_from_tool and (len(name) < LONG_ID or name.startswith(UNNAMED))
    return f"{told.source}:{name}" if is_own else name


class Names:
    """Which names are one message's, of some addresses."""

    def __init__(self, rows: Iterable[tuple[int, str, str, bool]] = ()) -> None:
        self.sure: dict[Identity, set[Identity]] = defaultdict(set)
        self.claimed: dict[Identity, set[Identity]] = defaultdict(set)
        self.pairs: dict[Pair, bool] = {}
        self.fresh: set[Pair] = set()
        self.addresses: set[int] = set()
        for address_id, message_id, provided, is_sure in rows:
            self._add((address_id, message_id, provided), is_sure=is_sure)

    def learn(self, pair: Pair, *, is_sure: bool) -> None:
        """Two names of one message. `save` writes those that nobody told before."""
        if self.pairs.get(pair, False) or (pair in self.pairs and not is_sure):
            return
        self._add(pair, is_sure=is_sure)
        self.fresh.add(pair)

    def bear(self, attempt: Attempt) -> None:
        """The names that an attempt keeps, where others are known of its address: they decide which claims hold."""
        if attempt.address_id in self.addresses and attempt.message_id and attempt.provider_id:
            self._connect((attempt.address_id, attempt.message_id, attempt.provider_id), self.sure)

    def _add(self, pair: Pair, *, is_sure: bool) -> None:
        self.pairs[pair] = is_sure
        self.addresses.add(pair[0])
        self._connect(pair, self.sure if is_sure else self.claimed)

    def _connect(self, pair: Pair, names: dict[Identity, set[Identity]]) -> None:
        message, provided = (pair[0], "m", pair[1]), (pair[0], "p", pair[2])
        names[message].add(provided)
        names[provided].add(message)

    def all_of(self, names: Sequence[Identity]) -> list[Identity]:
        """Those names, and what else the same messages are called, in an order that depends on nothing else."""
        if not names or names[0][0] not in self.addresses:
            return list(names)
        found, waiting = set(names), list(names)
        while waiting:
            further = self._beside(waiting.pop()) - found
            found |= further
            waiting += further
        return [*names, *sorted(found - set(names))]

    def _beside(self, name: Identity) -> set[Identity]:
        if name[1] == "p":
            return self._messages_of(name) | self.sure.get(name, set())
        claims = {provided for provided in self.claimed.get(name, ()) if self._messages_of(provided)}
        return claims | self.sure.get(name, set())

    def _messages_of(self, provided: Identity) -> set[Identity]:
        """The Message-ID that came with a provider's id; none where there were several, and none of them is sure."""
        told = self.claimed.get(provided, set()) | self.sure.get(provided, set())
        return told if len(told) == 1 else set()

    def save(self) -> None:
        if self.fresh:
            rows = [(*pair, self.pairs[pair]) for pair in sorted(self.fresh)]
            run(KEEP_PAIRS, columns(rows, ("ids", "messages", "provided", "sure")))


KEEP_PAIRS = """
INSERT INTO bounces_samemessage (address_id, message_id, provider_id, is_sure)
SELECT * FROM unnest(%(ids)b::bigint[], %(messages)b::text[], %(provided)b::text[], %(sure)b::boolean[])
ON CONFLICT (address_id, message_id, provider_id)
DO UPDATE SET is_sure = true WHERE excluded.is_sure AND NOT bounces_samemessage.is_sure
"""


def read_names(address_ids: Iterable[int]) -> Names:
    return Names(run(READ_PAIRS, {"ids": sorted(set(address_ids))}))


READ_PAIRS = f"""
SELECT address_id, message_id, provider_id, is_sure FROM {SameMessage._meta.db_table}
WHERE address_id = ANY(%(ids)b::bigint[])
"""  # noqa: S608  (the model's own)


def find_bearers(told: Sequence[Told], address_ids: Mapping[str, int]) -> list[list[Attempt]]:
    """The attempts of each report: those that bear any of its names."""
    names = read_names(address_ids.values())
    known = find_attempts(told, address_ids, names)
    return [
        [known[name] for name in names.all_of(identities(one, address_ids[one.email])) if name in known] for one in told
    ]


def find_attempts(told: Sequence[Told], address_ids: Mapping[str, int], names: Names) -> dict[Identity, Attempt]:
    """The attempts that those reports may be about, by their names."""
    given = [identities(one, address_ids[one.email]) for one in told]
    wanted = sorted({name for several in given for name in names.all_of(several)})
    if not wanted:
        return {}
    by_kind = {kind: [w for w in wanted if w[1] == kind] for kind in "mp"}
    ids = run(
        FIND,
        {
            "message_of": [w[0] for w in by_kind["m"]],
            "message_ids": [w[2] for w in by_kind["m"]],
            "provided_to": [w[0] for w in by_kind["p"]],
            "provider_ids": [w[2] for w in by_kind["p"]],
        },
    )
    tokens = _find_by_token([w for w in wanted if w[1] == "t"])
    known: dict[Identity, Attempt] = {}
    for attempt in Attempt.objects.filter(pk__in=[*[pk for (pk,) in ids], *tokens.values()]).order_by("-pk"):
        _remember(attempt, known)
        names.bear(attempt)
        by_token = [name for name, pk in tokens.items() if (pk, name[0]) == (attempt.pk, attempt.address_id)]
        known |= dict.fromkeys(by_token, attempt)
    return known


FIND = """
SELECT a.id FROM unnest(%(message_of)b::bigint[], %(message_ids)b::text[]) AS w(address_id, key)
JOIN bounces_attempt a ON a.message_id = w.key AND a.address_id = w.address_id AND a.message_id <> ''
UNION
SELECT a.id FROM unnest(%(provided_to)b::bigint[], %(provider_ids)b::text[]) AS w(address_id, key)
JOIN bounces_attempt a ON a.provider_id = w.key AND a.address_id = w.address_id AND a.provider_id <> ''
"""


def _find_by_token(wanted: Sequence[Identity]) -> dict[Identity, int]:
    """The id under which each attempt that a token names is kept today."""
    heirs = dict(
        MergedAttempt.objects.filter(attempt_id__in=[int(w[2]) for w in wanted]).values_list("attempt_id", "into_id")
        if wanted
        else []
    )
    return {w: heirs.get(int(w[2]), int(w[2])) for w in wanted}


def _remember(attempt: Attempt, known: dict[Identity, Attempt]) -> None:
    for name in borne(attempt):
        known[name] = attempt


def borne(attempt: Attempt) -> list[Identity]:
    kept = (("m", attempt.message_id), ("p", attempt.provider_id))
    return [(attempt.address_id, kind, name) for kind, name in kept if name]


def key_of_message(names: Sequence[Identity], attempt: Attempt | None, name_of_its_own: str) -> str:
    """What a message is called in the keys of its failures: the same by every report that is about it."""
    if attempt is not None:
        return f"m:{attempt.message_id}" if attempt.message_id else f"a:{attempt.pk}"
    named = sorted(name for name in names if name[1] in "mp")  # Message-IDs before providers' ids
    return f"{named[0][1]}:{named[0][2]}" if named else f"d:{name_of_its_own}"
