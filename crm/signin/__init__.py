"""Signing in: the one door through which every session begins, its limits and its log.

    adapter.py       what allauth asks of us: closed sign-up, limits, a session that starts clean
    limits.py        how many attempts are allowed, by account and address together and by address alone
    client.py        which address a request comes from, and which network counts as one client
    records.py       what is kept about failed attempts: never what was typed
    routes.py        the pages of allauth that are exposed, one by one
    admin_doors.py   the admin's own sign-in and password pages lead to ours
    forms.py         changing a password, and revoking API keys with it
    email_change.py  changing the address that somebody signs in with

The counts live in PostgreSQL (`crm/shared_cache.py`): all web processes count together, and Redis plays no part in
signing in, so its absence neither opens the door nor closes it.
"""
