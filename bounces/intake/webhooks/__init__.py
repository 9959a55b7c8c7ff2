"""Events of e-mail service providers, as they post them.

    arrival.py      one request: its body, headers, address
    providers.py    the table: which providers there are, how each proves that it is itself, how it is connected
    flaws.py        what is wrong with what an admin entered
    signatures.py   the proofs: signatures over the raw body, or a user and password
    sns.py          Amazon's: certificates, topics, the subscription's handshake
    known.py        the sources as each process remembers them, with the version of their rows
    door.py         a request -> refused, a handshake, or kept in one statement
    opening.py      a kept request -> an item an event, good ones and bad ones alike (the drain calls it)
    splitting.py    the events of one request, each alone, where not all of them are understood
    inbound.py      the mails that a provider received for us: replies and reports
    normal.py       a provider's event -> ours, by django-anymail
    words.py        what each provider calls its events, and where in them each thing stands
    labels.py       a provider's own word for a failure, where it tells no other (labels.toml)
    amazon.py       what anymail does not read of Amazon SES
    others.py       the same of Brevo, and of providers that anymail does not know: ForwardEmail, Azure

In: HTTP requests. Out: inbox items. Stage: intake; `opening.py` stands between inbox and parse. A provider that signs
is believed as its source says; what is authentic and not understood is kept, and says so.
"""
