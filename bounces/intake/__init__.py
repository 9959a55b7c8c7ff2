"""The doors. Each one authenticates, stores the raw payload by `keep.py`, and answers; it does nothing else.

    upload.py   files on a page, by a manager
    files.py    files and folders, by `manage.py ingest`
    events.py   events and mails of outreach tools, by the API
    keep.py     the one INSERT in which all of them end

In: bytes. Out: pending InboundItem rows. Stage: the first (see `bounces/__init__.py`).
"""
