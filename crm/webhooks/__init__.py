"""Telling other tools what happened: signed, at least once, never to an address inside.

    announcing.py   outbox payloads -> a delivery row an endpoint that asked for it, in the outbox's transaction
    sending.py      delivery rows that are due -> POST, and what became of it; later and later, then given up
    signing.py      the headers by which the tool knows that it was us (Standard Webhooks)

In: announcements. Out: HTTP requests of others' servers. Stage: announce. Shape and signature: docs/webhooks.md.
"""
