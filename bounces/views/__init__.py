"""The pages about bounces: doors that take input, call one domain function and show its result.

bounce.py     the list of bounces, one bounce explained, complaints
raw.py        the raw bytes of an inbox item, as text in a sandbox
upload.py     a manager's upload, and what became of each file
inbox.py      everything that arrived, and what became of it
cleaning.py   cleaning runs: list, progress, report, what is done to one, CSV; cleaning_undo.py takes one back
rejudging.py  bounces judged again by other rules: started, progress, what changes
address.py    one address: verdict, history, restore, suppressions
suppressions.py  whom never to write to: list, add one or many, lift, CSV
incidents.py  providers that are not believed: list, one, confirm, dismiss, CSV
reputation.py bounce and complaint rates by campaign, sender, provider
access.py     who may open a page
Filters and querysets of the lists stand in `bounces/lists.py`.
"""
