"""An installation with all of its doors open: web server, a mailbox at Dovecot's, mail server, workers, a scheduler.

In: whether its processes are hurried. Out: a `House` into which arrivals are sent, once or disturbed, and which says
what became of them. Everything listens on loopback alone.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from tests.bench.stand import standing
from tests.bounces import dovecot
from tests.bounces.dovecot import PASSWORD, Dovecot
from tests.chaos import senders
from tests.chaos.arrivals import SMTP_RECIPIENT, Arrival, Story, returned
from tests.chaos.crew import Crew, at_work, wait_until
from tests.chaos.senders import HOST, Clock, Told
from tests.chaos.state import PARTS, state_of

SECRET = "a secret of the chaos"
# Requests with many events count as their events; names of mails are numbers that a mailbox gives by who came first.
LEAVES = "form <> 'events' OR state IN ('quarantined', 'ignored')"
# Of a change the evidence is what was known at that moment, which is no fact about the address: it is left out.
COMPARED = PARTS | {
    "status changes": """
        SELECT concat_ws('|', a.email, c.from_status, c.to_status, c.rule)
        FROM bounces_statuschange c JOIN bounces_address a ON a.id = c.address_id
    """,
    "inbox": "SELECT concat_ws('|', encode(digest, 'hex'), state) FROM bounces_inbounditem WHERE form <> 'events'",
    "unproved": """
        SELECT concat_ws('|', a.email, u.event, u.shortcoming, u.occurred_at)
        FROM bounces_unproved u JOIN bounces_address a ON a.id = u.address_id
    """,
}
KEPT = {"Policy", "Schedule", "IntakeSource", "Lease"}


@dataclass(slots=True)
class House:
    crew: Crew
    server: Dovecot
    web: int  # the ports
    smtp: int
    runs: int = 0

    def begin(self) -> None:
        """As after the installation: nothing has arrived, and the sources lead to new places."""
        from django.apps import apps
        from django.db import connection

        models = [model for model in apps.get_app_config("bounces").get_models() if model.__name__ not in KEPT]
        with connection.cursor() as cursor:
            names = ", ".join(model._meta.db_table for model in models)
            cursor.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
            cursor.execute("UPDATE bounces_schedule SET is_enabled = false")  # it may be two at night
        self.runs += 1
        self.server.deliver(self.user)
        set_sources(self.server, self.user)

    def wait_for_doors(self) -> None:
        def are_open() -> bool:
            with socket.socket() as web, socket.socket() as smtp:
                return web.connect_ex((HOST, self.web)) == 0 and smtp.connect_ex((HOST, self.smtp)) == 0

        if not wait_until(are_open, 180):
            raise SystemExit(f"The doors do not open: {self.crew.log.read_text()[-2000:]}")

    @property
    def user(self) -> str:
        return f"run{self.runs}"

    def send(
        self, arrivals: Sequence[Arrival], seconds: float, patience: float, seed: int
    ) -> tuple[Told, list[threading.Thread]]:
        """Begins to send. The threads end when everything was accepted, or `patience` seconds after it was due."""
        now = time.monotonic()
        clock, told = Clock(now, seconds, now + seconds + patience), Told()
        due: dict[str, list[tuple[float, Arrival]]] = {"webhook": [], "imap": [], "smtp": []}
        for number, arrival in enumerate(arrivals):
            due[arrival.door].append((number / len(arrivals), arrival))
        jobs = senders.webhooks(due["webhook"], self.web, webhook_path(), SECRET, seed, clock, told)
        jobs += senders.mailbox(due["imap"], self.server, self.user, clock, told)
        jobs += senders.mails(due["smtp"], self.smtp, clock, told)
        threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        return told, threads

    def is_settled(self, mails: int) -> bool:
        """Nothing waits, in the mailbox either, and no address has news."""
        from django.utils import timezone

        from bounces import process

        return self.server.count(self.user) == 0 and self.put_away >= mails and not process.has_work(timezone.now())

    def waiting(self) -> str:
        from bounces.models import Dirty, InboundItem

        pending = InboundItem.objects.filter(state="pending").count()
        return f"{self.server.count(self.user):,} mails, {pending:,} items, {Dirty.objects.count():,} addresses wait"

    @property
    def put_away(self) -> int:
        return self.server.count(self.user, "Done")

    def leaves(self) -> dict[str, dict[str, int]]:
        """How many items of each state a source brought; a request counts as the events in it."""
        from django.db import connection

        found: dict[str, dict[str, int]] = {}
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT source, state, count(*) FROM bounces_inbounditem WHERE {LEAVES} GROUP BY 1, 2")
            for source, state, count in cursor.fetchall():
                found.setdefault(source, {})[state] = count
        return found

    def told(self) -> list[str]:
        return [
            f"{source}: {', '.join(f'{count:,} {state}' for state, count in sorted(states.items()))}"
            for source, states in sorted(self.leaves().items())
        ]

    def state(self) -> dict[str, str]:
        from django.db import connection

        with connection.cursor() as cursor:
            return state_of(cursor, COMPARED)

    def remember(self) -> None:
        """The rows of all parts, so that `unlike` can name those that differ later."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA IF NOT EXISTS calm")
            for part, text in COMPARED.items():
                cursor.execute(f'CREATE TABLE calm."{part}" AS SELECT said.word FROM ({text}) AS said(word)')

    def unlike(self, part: str) -> list[str]:
        """Some rows of a part that are there now alone, or were there alone."""
        from django.db import connection

        now, then = f"SELECT said.word FROM ({COMPARED[part]}) AS said(word)", f'SELECT word FROM calm."{part}"'
        with connection.cursor() as cursor:
            cursor.execute(f"({then}) EXCEPT ALL ({now}) LIMIT 3")
            gone = [f"then: {word}" for (word,) in cursor.fetchall()]
            cursor.execute(f"({now}) EXCEPT ALL ({then}) LIMIT 3")
            return gone + [f"now: {word}" for (word,) in cursor.fetchall()]


def set_sources(server: Dovecot, user: str) -> None:
    """The webhook is believed; a mail only where it matches a message that was told of, or came to a return path."""
    from bounces.models import IntakeSource

    IntakeSource.objects.all().delete()
    hook = IntakeSource(name="hook", kind="mailtrap", trust="trusted")
    hook.secrets = {"signing_secret": [SECRET]}
    box = IntakeSource(name="box", kind="imap", trust="match")
    box.options = {"host": "localhost", "port": server.imaps, "user": user, "done": "move", "done_folder": "Done"}
    box.secrets = {"password": [PASSWORD]}
    mx = IntakeSource(name="mx", kind="smtp", trust="match", options={"recipients": [SMTP_RECIPIENT]})
    IntakeSource.objects.bulk_create([hook, box, mx])


def webhook_path() -> str:
    from bounces.models import IntakeSource

    return f"/in/{IntakeSource.objects.get(name='hook').token}/"


def give_return_paths(told: Sequence[Story], now: datetime) -> Mapping[int, str]:
    """By the persons' numbers. The same in every run: ids begin anew with each."""
    from bounces.issuing import issue_tokens

    wanted = [one.person for one in told if one.life is returned]
    paths: dict[int, str] = {}
    for start in range(0, len(wanted), 1000):
        some = wanted[start : start + 1000]
        messages = [
            {"event_id": f"sent-{one.number:06d}", "recipient": one.email, "message_id": one.message_id} for one in some
        ]
        issued = issue_tokens(messages, "api:chaos", None, now)
        paths |= {person.number: one.return_path for person, one in zip(some, issued, strict=True)}
    return paths


@contextmanager
def open_house(crew_of: Callable[[int, int], dict[str, tuple[str, ...]]]) -> Iterator[House]:
    """`crew_of`: what to start, for the ports of the web server and the mail server."""
    web, smtp = dovecot.free_port(), dovecot.free_port()
    with dovecot.a_folder() as folder, dovecot.serving(folder, token_port=1) as server:
        os.environ |= {
            "REBOUND_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
            "REBOUND_CA_FILE": str(server.authority),
            "REBOUND_RETURN_PATH_DOMAIN": "returns.example",
            "SITE_URL": f"http://{HOST}:{web}",
        }
        with standing(), at_work(crew_of(web, smtp)) as crew:
            yield House(crew, server, web, smtp)


def doors_of(words: Callable[..., tuple[str, ...]], web: int, smtp: int) -> dict[str, tuple[str, ...]]:
    """`words`: how a command of manage.py is started."""
    return {
        "worker 1": words("worker", "intake", "bulk"),
        "worker 2": words("worker", "intake", "bulk"),
        "scheduler": words("scheduler"),
        "mailbox reader": words("intake", "imap"),
        "mail server": words("intake", "smtp", "--listen", f"{HOST}:{smtp}"),
        "web": (
            *("-m", "gunicorn", "--config", "crm/gunicorn_conf.py", "--bind", f"{HOST}:{web}"),
            "crm.wsgi:application",
        ),
    }
