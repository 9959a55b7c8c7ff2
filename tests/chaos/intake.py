"""`./rebound chaos intake`: events by three doors while everything that takes them in is killed, against a calm run.

In: `--events N`, `--strikes N`, `--every SECONDS` between two of them, `--seed N`. Out: what was struck, a line a
figure; exit code 1 where an event is lost or doubled, where the inbox's sum does not balance, or where the state is
another than that of the same events, each told once, in order, undisturbed.

Workers are killed at every strike, one of the other processes at most; Redis is wiped twice, PostgreSQL killed once.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from tests.chaos.arrivals import SMTP_RECIPIENT, Arrival, Story, arrivals, disturbed, stories
from tests.chaos.crew import hurried, wipe_redis
from tests.chaos.doors import House, doors_of, give_return_paths, open_house
from tests.chaos.senders import Told
from tests.chaos.servers import falling_postgres
from tests.chaos.state import differences

PATIENCE = 120.0  # seconds, from the last strike to the end
OTHERS = ("scheduler", "mailbox reader", "mail server", "web", "")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound chaos intake", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, metavar="N")
    parser.add_argument("--every", type=float, default=20.0, metavar="SECONDS", help="between two strikes")
    parser.add_argument("--strikes", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, default=5, metavar="N")
    options = parser.parse_args(arguments)
    words = hurried if options.every < 20 else in_earnest
    with open_house(partial(doors_of, words)) as house:
        begun = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        told = stories(options.events, options.seed, begun)
        expected = run_calm(house, told)
        return run_disturbed(house, told, expected, options)


def in_earnest(*words: str) -> tuple[str, ...]:
    """Not by manage.py, which would start servers of its own beside the stand's."""
    return ("-m", "django", *words)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def begin(house: House, told: Sequence[Story]) -> list[Arrival]:
    house.begin()
    now = told[0].person.at
    return arrivals(told, give_return_paths(told, now))


def run_calm(house: House, told: Sequence[Story]) -> dict[str, str]:
    house.wait_for_doors()
    calm = begin(house, told)
    started = time.monotonic()
    seen, threads = house.send(calm, 0, 600, seed=0)
    for thread in threads:
        thread.join()
    wait_until_settled(house, mails_of(calm), time.monotonic() + 600)
    say(f"undisturbed: {len(calm):,} events in {time.monotonic() - started:.0f} s, {seen.tried_again} tried again")
    for line in house.told():
        say(f"  {line}")
    house.remember()
    return house.state()


def run_disturbed(house: House, told: Sequence[Story], expected: dict[str, str], options: argparse.Namespace) -> int:
    calm = begin(house, told)
    sent = disturbed(calm, options.seed)
    with falling_postgres() as fall:
        seen, threads = house.send(sent, options.every * (options.strikes + 0.5), PATIENCE, options.seed)
        strike_on(house, options.strikes, options.every, Random(options.seed), fall)
        ended = time.monotonic()
        for thread in threads:
            thread.join()
        is_settled = wait_until_settled(house, mails_of(sent), ended + PATIENCE)
        say(
            f"disturbed: {len(sent):,} sent, {seen.tried_again} times tried again; "
            f"settled {time.monotonic() - ended:.0f} s after the last strike, goal {PATIENCE:.0f} s"
        )
        return judge(house, calm, sent, seen, expected, is_settled=is_settled)


def strike_on(house: House, strikes: int, every: float, chance: Random, fall: Callable[[], None]) -> None:
    """Redis falls after three and seven tenths of the strikes, PostgreSQL amid them."""
    started = time.monotonic()
    for number in range(1, strikes + 1):
        until = time.monotonic() + every
        while time.monotonic() < until:
            house.crew.start_missing()
            time.sleep(0.1)
        did = strike(house, chance)
        if number in (round(strikes * 0.3), round(strikes * 0.7)):
            wipe_redis()
            did.append("Redis wiped")
        if number == round(strikes * 0.5):
            fall()
            did.append("kill -9 of PostgreSQL")
        house.crew.start_missing()
        say(f"{time.monotonic() - started:.0f} s: {', '.join(did)}; {house.waiting()}")


def strike(house: House, chance: Random) -> list[str]:
    victims = ["worker 1", "worker 2"]
    other = chance.choice(OTHERS)
    for name in [*victims, *([other] if other and other != "web" else [])]:
        house.crew.kill(name)
    if other == "web":
        house.crew.kill_job(other)
    return ["kill -9 of the workers"] + ([f"of the {other}"] if other else [])


def mails_of(sent: Sequence[Arrival]) -> int:
    return sum(arrival.door == "imap" for arrival in sent)


def wait_until_settled(house: House, mails: int, deadline: float) -> bool:
    while time.monotonic() < deadline:
        house.crew.start_missing()
        if house.is_settled(mails):
            return True
        time.sleep(0.2)
    say(f"not settled: {house.waiting()}")
    return False


def judge(
    house: House,
    calm: Sequence[Arrival],
    sent: Sequence[Arrival],
    seen: Told,
    expected: dict[str, str],
    *,
    is_settled: bool,
) -> int:
    """Invariant I3, by source: what was told is what the inbox has, each once, and each of it came to an end."""
    wanted = Counter(source_of(arrival) for arrival in calm)
    found = house.leaves()
    lost = sum(max(0, wanted[source] - sum(found.get(source, {}).values())) for source in wanted)
    doubled = sum(max(0, sum(found.get(source, {}).values()) - wanted[source]) for source in wanted)
    waiting = sum(states.get("pending", 0) for states in found.values())
    broken = sum(arrival.is_broken for arrival in calm)
    quarantined = sum(states.get("quarantined", 0) for states in found.values())
    wrong = differences(expected, house.state())
    for line in house.told():
        say(f"  {line}")
    for sentence in [*seen.refused, *seen.given_up][:5]:
        say(f"  not taken: {sentence}")
    figures = {
        "events lost": (lost, 0),
        "events doubled": (doubled, 0),
        "events that still wait": (waiting, 0),
        "events quarantined": (quarantined, broken),
        # A server that is cut off amid a MOVE may have copied some: more than all lie there then, but never fewer.
        "mails of which nothing is left": (max(0, mails_of(sent) - house.put_away), 0),
        "refused for good, or never taken": (len(seen.refused) + len(seen.given_up), 0),
        "parts of the state that differ": (len(wrong), 0),
    }
    for name, (ours, goal) in figures.items():
        say(f"{name}: ours {ours:,}, goal {goal:,}")
    for part in wrong:
        say(f"other {part}:")
        for row in house.unlike(part):
            say(f"  {row}")
    return 0 if is_settled and all(ours == goal for ours, goal in figures.values()) else 1


def source_of(arrival: Arrival) -> str:
    if arrival.door == "smtp":
        return "smtp:mx" if arrival.recipient == SMTP_RECIPIENT else "smtp"
    return {"webhook": "mailtrap:hook", "imap": "imap:box"}[arrival.door]
