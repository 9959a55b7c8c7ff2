"""The doors. Each one authenticates, stores the raw payload by `keep.py`, and answers; it does nothing else.

    upload.py   files on a page, by a manager
    files.py    files and folders, by `manage.py ingest`
    events.py   events and mails of outreach tools, by the API; event_shape.py says what an event may hold
    exported/   lists of providers, which wait until somebody has looked at them
    webhooks/   events of e-mail service providers
    imap.py     what lies in a mailbox; imap_session.py speaks the protocol, oauth.py gets access tokens,
                mailboxes.py reads the sources' mailboxes, watching.py stays with them
    smtp.py     a mail server for bounces alone; envelopes.py says whose mail it takes, listening.py and places.py where
    seen.py     what was seen of a source
    kinds.py    the kinds of sources, and what each has to be told (mail_kinds.py: mailboxes, our server);
                docs.py renders docs/intake.md from it
    keep.py     the one INSERT in which all of them end

In: bytes. Out: pending InboundItem rows. Stage: the first (see `bounces/__init__.py`).
"""
