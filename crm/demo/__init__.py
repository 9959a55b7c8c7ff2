"""The demo: an invented organisation, Fernhill, after four months of outreach.

In: a number of contacts, a seed, the moment. Out: rows that look as if all of it had happened. No status is written
here: mails and events go in by the doors and through the real flow, a day at a time, with that day as the clock.
All domains are below `.example`, which nobody owns.

    words.py      names, trades and texts: small tables of our own
    cast.py       who there is: users, companies, people. Pure
    fates.py      what is really the matter with each mailbox, which the flow has to find out. Pure
    replies.py    what the other side's servers answer, by fate. Pure
    letters.py    those answers as bounce mails in several systems' dialects, complaints, automatic replies. Pure
    plans.py      the campaigns, and who is written to on which day. Pure
    people.py     the cast as rows, by the import
    history.py    the days, one after the other
    models.py     how far it is loaded
    slices.py     one part of the story at a time, committed
    load.py       the verbs in order: a load that was stopped half-way goes on from there
"""
