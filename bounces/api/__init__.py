"""The API about bounces, below /api/v1/. Doors only: input, one domain function, its result.

    events.py       POST events/          what tools report; intake/event_shape.py says what an event may hold
    inbox.py        POST bounces/mail/    one raw bounce mail; GET inbox/{id}/ what became of it
    bounces.py      GET bounces/          the list, and one with its evidence
    check.py        POST check/           may I write to these addresses?

Shared with the API about contacts: bodies.py (what a request's body may be), strict.py (unknown fields are errors),
pages.py (lists by cursor), moments.py (dates), problems.py (what an error looks like).

Who may call what is said by each view's `required_scopes` and `required_permissions`, by HTTP method;
`crm/api/permissions.py` holds requests to them.
"""
