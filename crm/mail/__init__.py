"""Emails of Rebound to its own users: each one is a row first, and sent by a worker of its own.

    models.py   one row an email, and what became of it
    rows.py     whatever Django, allauth or we send becomes rows: the email backend, and emails about a fact
    sending.py  rows that are due -> the mail server, several at once, later and later, then given up
    delivery.py one email to the mail server, within a deadline

In: `send_mail` of anybody, `queue_email`. Out: emails. Nothing else in Rebound speaks to the mail server of EMAIL_URL:
one that is slow or never answers delays no page and no bounce.
"""
