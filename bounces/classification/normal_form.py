"""The form of a refusal in which it is judged: the words of who refused, without wrapper, addresses and paths.

In: a `Report`. Out: a `Report` whose words, codes and host are those of the remote system. Stage: classify. Pure.
The evidence keeps the original. Hosts and IP addresses stay in the words: a list is known by its name.
"""

from __future__ import annotations

from bounces.patterns import Pattern
from bounces.values import Report, change

ADDRESS = Pattern(r"<?[^\s<>]+@[\pL\pN_\[-]+(?:\.[\pL\pN_-]+)*\]?>?")  # not the dots of `<a@b.example>... Unknown`
URL_PATH = Pattern(r"(https?://[^\s/]+/)\S*")
CONTINUED_REPLY = Pattern(r"(^|\s)([245]\d\d)-")
SECOND_REPLY = Pattern(r" [245]\d\d-(?:[245]\.\d{1,3}\.\d{1,3} )?")
# A label of the reporting system around the reply of the remote one: `5.1.0 - Unknown address error 550-'Rejected'
# (delivery attempts: 0)` (Cisco), `Remote host said: ...` and the like say nothing themselves.
WRAPPED = Pattern(
    r"(?i)^[^'\"]{0,20}\b[245]\.\d{1,3}\.\d{1,3} - ([A-Za-z][^'\"]*?)\s([245]\d\d)[- ]['\"](.*?)['\"]?\s*"
    r"(?:\(delivery attempts: \d+\))?\s*$"
)
ABOUT_ADDRESS = Pattern(r"(?i)\baddress error")  # Cisco's label of a refused RCPT
# Postfix, and who is built on it, says it in reply to RCPT alone.
SAID_TO_RCPT = Pattern(r"(?i)recipient address(?:es)? rejected ?:")
CODE_AHEAD = Pattern(r"^\W*([245]\.\d{1,3}\.\d{1,3})\b")


def as_said(report: Report) -> Report:
    """The report with the remote system's own words and codes where another one's label stands around them."""
    found = WRAPPED.search(report.diagnostic) if "'" in report.diagnostic or '"' in report.diagnostic else None
    if found:
        code, words = found.group(2), found.group(3).strip()
        command = report.command or ("RCPT" if ABOUT_ADDRESS.matches(found.group(1)) else "")
        status = CODE_AHEAD.first(words)
        report = change(report, diagnostic=f"{code} {words}", replycode=code, status=status, command=command)
    if not report.command and report.status and SAID_TO_RCPT.matches(report.diagnostic):
        return change(report, command="RCPT")
    return report


def normalise(diagnostic: str) -> str:
    """The words alone: addresses and the paths of URLs may contain any word, and say nothing.

    `550 5.1.1 <spam@full.example>: User unknown` is about an unknown user, neither spam nor a full mailbox.
    """
    if "://" in diagnostic:
        diagnostic = URL_PATH.sub(lambda found: found.group(1), diagnostic)
    if "@" in diagnostic:
        diagnostic = ADDRESS.sub("<address>", diagnostic)
    if "-" not in diagnostic or not CONTINUED_REPLY.matches(diagnostic):
        return diagnostic
    return CONTINUED_REPLY.sub(lambda found: f"{found.group(1)}{found.group(2)} ", SECOND_REPLY.sub(" ", diagnostic))
