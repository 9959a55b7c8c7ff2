"""Which contacts, and which companies, may be the same.

    search: keys  ->  candidates  ->  score  ->  pairs      decide: merge, "not the same", skip

facts.py      what is compared of a contact, read from the database
names.py      how two names relate: the same, swapped, a nickname, a typo, somebody else. Pure; nicknames.toml
keys.py       the hashes by which contacts are looked up: two with one in common are candidates. Pure
scoring.py    two contacts' facts -> score, kind, reasons, certain or not. Pure; points in rules.toml
companies.py  the same for companies
keeping.py    keys and pairs in the database
finding.py    the search: all contacts once, then those that changed; a batch a transaction, under a lease
queue.py      open pairs that a user may decide, counts, the next one
deciding.py   not the same, merge a pair, what a merge of certain pairs would keep
runs.py       merging all certain pairs, and undoing that, in the background
jobs.py       what the worker runs
"""
