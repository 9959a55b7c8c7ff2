"""Logs on standard error, for people or as JSON for machines. In: log records. Out: lines without addresses.

Every record passes here, structlog's and the standard library's, so that masking has one place: an address
keeps its first letter and its domain, which is enough to follow a case and too little to write to someone; the
unguessable part of a source's URL keeps four characters.
"""

from __future__ import annotations

from typing import Any

import re2
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# RE2, for the text comes from outside; whatever looks like an address, also inside a longer text, in any script, and
# percent-encoded as in query strings, paths and referrers (`%40`; `%2540` within an encoded URL).
AT = r"(?:@|%(?:25)*40)"
LOCAL = r"[\pL\pN\pM._%+=~'!$*^`{|}\-]*"  # not what separates the parts of a URL
QUOTED = r'[^"\n]{0,64}"'
DOMAIN = r"(?:\[[0-9A-Za-z.:]+\]|[\pL\pN][\pL\pN\pM.\-]*)"
ADDRESS = re2.compile(rf"([\pL\pN])(?:{LOCAL}|{QUOTED})({AT}{DOMAIN})")

SOURCE = re2.compile(r"((?:/|%(?:25)*2[Ff])in(?:/|%(?:25)*2[Ff])[A-Za-z0-9_-]{4})[A-Za-z0-9_-]+")


def mask_secrets(logger: WrappedLogger | None, name: str, event: EventDict) -> EventDict:  # noqa: ARG001 -- structlog's signature
    return {key: _masked(value) for key, value in event.items()}


def masked(text: str) -> str:
    """The text without whole addresses, for what others say about ours."""
    return str(_masked(text))


def drop_request_starts(logger: WrappedLogger | None, name: str, event: EventDict) -> EventDict:  # noqa: ARG001
    """The line at a request's end says the same and how it went."""
    if event.get("event") == "request_started":
        raise structlog.DropEvent
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return SOURCE.sub(r"\1***", ADDRESS.sub(r"\1***\2", value))
    if isinstance(value, dict):
        return {_masked(key): _masked(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_masked(inner) for inner in value)
    if value is None or isinstance(value, (int, float)):
        return value
    return _masked(repr(value))  # of a request, that is its path


COMMON: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(style: str, level: str) -> dict[str, Any]:
    """Django's LOGGING; structlog itself is set up on the way. `style` is "console" or "json"."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            drop_request_starts,
            *COMMON[1:3],
            structlog.stdlib.PositionalArgumentsFormatter(),
            COMMON[-1],
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": COMMON,
                "processors": _last_steps(style),
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # A line at each start of each process; a line at each look for work.
            "axes": {"level": "WARNING"},
            "rq": {"level": "WARNING"},
            # Django's own handlers would write to the same terminal a second time.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
        },
    }


def _last_steps(style: str) -> list[Processor]:
    # A traceback is text with addresses in it, so it is made before the masking.
    first: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    if style == "json":
        return [*first, structlog.processors.JSONRenderer()]
    return [*first, structlog.dev.ConsoleRenderer(colors=False)]
