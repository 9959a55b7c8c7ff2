"""`./rebound screenshots`: the pictures of the README, into docs/images/.

In: nothing of yours: servers of its own, with the demo. Out: one PNG a row of SHOTS, always by the same names.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.bench.stand import standing
from tests.browser.conftest import ARGUMENTS

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
EMAIL = "admin@localhost"
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Shot:
    """One picture: which of the pages that `choose_pages` names, how large, and in which theme."""

    name: str
    page: str
    size: ViewportSize
    theme: str = "light"


SHOTS = (
    Shot("dashboard", "dashboard", DESK),
    Shot("dashboard-dark", "dashboard", DESK, "dark"),
    Shot("contacts", "contacts", DESK),
    Shot("contact", "contact", DESK),
    Shot("contact-phone", "contact", PHONE),
    Shot("bounce", "bounce", DESK),
    Shot("cleaning-run", "cleaning_run", DESK),
)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium. On Debian: apt-get install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(12)
    with standing():
        paths = prepare(password)
        with serving_web() as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            for shot in SHOTS:
                take(shot, paths[shot.page], url, password, browser)
            browser.close()


def prepare(password: str) -> dict[str, str]:
    """Loads the demo; returns the paths of the pages. Before Playwright's loop runs: Django's ORM would refuse it."""
    from django.core.management import call_command

    from crm.up.first_start import make_admin

    make_admin(EMAIL, password)
    call_command("load_demo")
    return choose_pages()


def choose_pages() -> dict[str, str]:
    """Those that have most to show."""
    from django.db.models import Count
    from django.urls import reverse

    from bounces.models import Bounce, CleaningRun
    from contacts.models import Contact

    bounce = Bounce.objects.filter(kind="hard").annotate(n=Count("evidence")).order_by("-n", "-occurred_at")[0]
    run = CleaningRun.objects.filter(state="done").order_by("-changes")[0]
    fallen = Contact.objects.filter(contact_addresses__address__status="invalid", company__isnull=False)
    contact = fallen.annotate(n=Count("activities")).order_by("-n", "pk")[0]
    return {
        "dashboard": reverse("dashboard"),
        "contacts": reverse("contacts:list"),
        "contact": reverse("contacts:contact", args=[contact.pk]),
        "bounce": reverse("bounces:bounce", args=[bounce.pk]),
        "cleaning_run": reverse("bounces:cleaning_run", args=[run.pk]),
    }


@contextmanager
def serving_web() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "python:crm.gunicorn_conf", "crm.wsgi"]
    web = subprocess.Popen([*command, "--bind", f"127.0.0.1:{port}"], cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        while not answers(url):
            if web.poll() is not None:
                sys.exit("The web server ended before it answered.")
            time.sleep(0.2)
        yield url
    finally:
        web.terminate()
        web.wait(timeout=30)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/accounts/login/", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def take(shot: Shot, path: str, url: str, password: str, browser: Browser) -> None:
    context = browser.new_context(base_url=url, viewport=shot.size, color_scheme=shot.theme)  # type: ignore[arg-type]  # its own Literal
    page = context.new_page()
    sign_in(page, password)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1200)  # the charts draw themselves in a second
    file = IMAGES / f"{shot.name}.png"
    page.screenshot(path=file)
    context.close()
    print(f"{file.relative_to(ROOT)}  {file.stat().st_size // 1024} kB")  # noqa: T201


def sign_in(page: Page, password: str) -> None:
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(EMAIL)
    page.locator("input[name=password]").fill(password)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url("**/")


if __name__ == "__main__":
    main()
