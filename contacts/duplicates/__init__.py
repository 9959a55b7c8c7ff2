"""Find contacts and companies that may be duplicates, and let people merge or dismiss them.

    search: keys  ->  candidates  ->  score  ->  pairs      decide: merge, "not the same", skip

facts.py      the fields of a contact that are compared, read from the database
names.py      how two names relate: same, swapped, nickname, typo, different. Pure; nicknames.toml
keys.py       hashes for finding candidates: two contacts that share a key are compared. Pure
scoring.py    two contacts' facts -> score, kind, reasons, certain or not. Pure; points in rules.toml
companies.py  facts and scores of companies
keeping.py    keys and pairs in the database
finding.py    the search: all contacts once, then those that changed; one transaction per batch, under a lease
queue.py      the open pairs that a user may decide, their counts, the next one
deciding.py   merge a pair or mark it as not the same; which side is kept by default
runs.py       merge all certain pairs in the background, and undo that
jobs.py       the entry points of the worker
"""
