"""The numbers of signing in, and what is never kept of it. Imported by the settings: no models up here.

allauth's words: amount / time / whom. `ip` is the client's address or IPv6 network, `user` is who is signed in, `key`
is what `limits.py` names: account and client together.
"""

from __future__ import annotations

RATES = {
    "login": "30/m/ip,300/h/ip",  # forms sent, right or wrong
    "login_failed": "10/m/ip,100/h/ip,5/5m/key,20/h/key,50/d/key",  # wrong codes of the second step, too: by account
    "reset_password": "10/m/ip,60/h/ip",
    "reset_mail": "5/h/key",  # mails to one address; who asks more often is answered the same
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user,20/h/user",
    "reauthenticate": "10/m/user,50/h/user",
    "manage_email": "5/m/user,10/h/user",  # mails to addresses of the user's choice
}
# Names of request parameters whose values the log of sign-ins masks.
NEVER_KEPT = [
    "login", "email", "username", "password", "password1", "password2", "oldpassword", "code", "next",
    "csrfmiddlewaretoken", "ip_address",
]  # fmt: skip
