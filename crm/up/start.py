"""The verbs of `manage.py up`, in order. In: options, settings. Out: a Rebound that answers until asked to stop."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import django_rq
from django.conf import settings
from django.core.management import get_commands
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from redis import RedisError

from bounces.intake import mailboxes
from crm.up import first_start, listening, places, postgres, remembered, valkey
from crm.up.first_start import SignIn, WantedDemo
from crm.up.places import Places, StartError
from crm.up.processes import Program
from crm.up.static_files import StaticFiles
from crm.up.supervisor import Supervisor

# A crash leaves PostgreSQL a log to replay.
SECONDS_TO_RECOVER = 300
SECONDS_TO_ANSWER = 60


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    host: str
    port: int
    # None: as the first start decides.
    demo: bool | None


Announce = Callable[[str, SignIn | None, bool], None]  # the URL, a new sign-in, whether the demo is loading


def run(options: Options, supervisor: Supervisor, announce: Announce) -> None:
    """Start everything, announce the URL and a new sign-in, watch. Raises StartError, or StopRequest when asked to."""
    here = places.prepare(settings.VAR_DIR)
    with places.locked(here, "`rebound up`"):
        listening.check_free(options.host, options.port)
        remembered.leave(here.var, settings.SETTINGS_READ - {"REBOUND_VAR"}, os.environ, _web_environment(options))
        try:
            _start_private_servers(here, supervisor)
            _check_servers()
            _migrate(supervisor)
            _collect_static_files(supervisor)
            sign_in = first_start.make_first_admin()
            _want_demo(options, here, is_first=sign_in is not None)
            connection.close()
            _start_rebound(options, supervisor)
            announce(listening.url(options.host, options.port), sign_in, bool(WantedDemo(here.var)))
            _load_wanted_demo(here, supervisor)
            supervisor.watch()
        finally:
            supervisor.stop()


def _start_private_servers(here: Places, supervisor: Supervisor) -> None:
    """Those whose addresses the environment does not give."""
    if settings.USES_PRIVATE_REDIS:
        supervisor.start(valkey.prepare(here))
    if settings.USES_PRIVATE_DATABASE:
        supervisor.start(postgres.prepare(here, settings.POSTGRES_BIN))
        supervisor.wait_for("postgres", lambda: postgres.answers(here), SECONDS_TO_RECOVER)
        postgres.ensure_database(here)
    if settings.USES_PRIVATE_REDIS:
        supervisor.wait_for("valkey", lambda: valkey.answers(here), SECONDS_TO_ANSWER)


def _check_servers() -> None:
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise StartError(f"PostgreSQL does not answer at DATABASE_URL: {str(error).strip().splitlines()[0]}") from None
    try:
        django_rq.get_connection("intake").ping()
    except (RedisError, OSError) as error:
        raise StartError(f"Redis does not answer at REDIS_URL: {error}") from None


def _migrate(supervisor: Supervisor) -> None:
    """Only where something is to be done: to start the command costs seconds."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        supervisor.run(_manage("migrate", "migrate", "--no-input", "--verbosity", "0"))


def _collect_static_files(supervisor: Supervisor) -> None:
    files = StaticFiles(settings.BASE_DIR, settings.STATIC_ROOT)
    if files.are_stale:
        supervisor.run(_manage("static", "collectstatic", "--no-input", "--verbosity", "0"))
        files.mark_fresh()


def _want_demo(options: Options, here: Places, *, is_first: bool) -> None:
    """The demo belongs into the private database of a first start. Into a database of yours only when you say so."""
    on_its_own = options.demo is None and is_first and settings.USES_PRIVATE_DATABASE
    if options.demo or on_its_own:
        WantedDemo(here.var).want()
    elif options.demo is False:
        WantedDemo(here.var).done()


def _start_rebound(options: Options, supervisor: Supervisor) -> None:
    environment = _web_environment(options)
    gunicorn = (sys.executable, "-m", "gunicorn", "--config", "python:crm.gunicorn_conf", "crm.wsgi")
    address = f"[{options.host}]" if ":" in options.host else options.host
    web = Program(
        "web", (*gunicorn, "--bind", f"{address}:{options.port}"), environment=environment, folder=settings.BASE_DIR
    )
    supervisor.start(web)
    supervisor.start(_manage("crew", "crew", environment=environment))
    doors = wanted_doors()
    connection.close()
    for name, arguments in doors:
        supervisor.start(_manage(name, "intake", *arguments, environment=environment))
    supervisor.wait_for("web", lambda: _web_answers(options), SECONDS_TO_ANSWER)


def wanted_doors() -> list[tuple[str, tuple[str, ...]]]:
    """The doors for mail that are configured. A mailbox that is added later is read by the scheduler's turns."""
    found: list[tuple[str, tuple[str, ...]]] = []
    if mailboxes.sources():
        found.append(("imap", ("imap",)))
    for name, places_, extra in (("smtp", settings.SMTP_LISTEN, ()), ("lmtp", settings.LMTP_LISTEN, ("--lmtp",))):
        if places_:
            found.append((name, ("smtp", *extra, *(word for place in places_ for word in ("--listen", place)))))
    return found


def _load_wanted_demo(here: Places, supervisor: Supervisor) -> None:
    """Beside the running web: it takes a while, and the sign-in page need not wait for it."""
    wanted = WantedDemo(here.var)
    if wanted and "load_demo" in get_commands():
        # A load that was stopped goes on; one that was killed after its end, before `done`, finds its contacts.
        supervisor.start(
            _manage("demo", "load_demo", "--if-empty"), on_end=lambda code: None if code else wanted.done()
        )


def _web_environment(options: Options) -> dict[str, str]:
    """What follows from where it listens, unless the operator said otherwise. In production he has to say it."""
    if settings.PRODUCTION:
        return {}
    url = listening.url(options.host, options.port)
    follows = {"ALLOWED_HOSTS": ",".join(listening.host_names(options.host)), "SITE_URL": url}
    return {name: value for name, value in follows.items() if not os.environ.get(name)}


def _web_answers(options: Options) -> bool:
    """Any answer will do: in production it is a redirect to https."""
    host = "localhost" if options.host in listening.ANYWHERE else options.host
    request = http.client.HTTPConnection(host, options.port, timeout=5)
    try:
        request.request("GET", "/accounts/login/")
        return request.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        request.close()


def _manage(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Program:
    command = (sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments)
    return Program(name, command, environment=environment or {}, folder=settings.BASE_DIR)
