"""The frame of the API: who calls, with what rights, how often, and how errors look.

    authentication.py   Authorization: Bearer rb_… -> the key and its user
    permissions.py      scope and permission of each view and method
    throttles.py        so many requests a minute for each key
    errors.py           one shape for all errors
    schema.py           how OpenAPI tells of all that
    urls.py             /api/v1/: the API of `contacts` and `bounces`, its schema and its pages

The views are in `contacts/api/` and `bounces/api/`; they know this package only by REST_FRAMEWORK in the settings.
"""
