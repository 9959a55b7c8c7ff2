"""How a bounce becomes a status. Open this file first.

    intake  ->  inbox  ->  parse  ->  classify  ->  record  ->  evaluate  ->  announce

    1. intake      intake/          the doors: authenticate, store the raw bytes, answer. Nothing else
                   intake/exported/ lists that providers export, looked at before they are recorded
       inbox       inbox.py         everything that arrived, pending until it ends countably; containers.py unpacks
    2. parse       parsing/         raw bytes -> one Report a recipient. Pure
    3. classify    classification/  a Report -> hard or soft, whose fault, why, by which rule. Pure; the rules are data
                   rules_in_force.py  those that ship with Rebound, and what admins put before them
    4. record      telling.py       which reports are recorded
                   unnamed.py       what a failed message is called that nothing names
                   proof.py         which of them are proved to be about our mail: the others change no status
                   recording/       Attempt, Bounce + Evidence, Complaint, Suppression, daily counts; each event once
    5. evaluate    evaluation.py    facts + policy + moment -> the status of each address, in one SQL text
                   policy.py        judges those with news by it, writes status and history
                   policy_numbers.py, policy_versions.py  its numbers, their limits, drafts and versions
                   cleaning/        the same for many addresses: previewed, applied, reported, taken back
                   guards.py       before that: campaigns and senders whose mails come back too often are paused
                   incidents.py    before that: a provider that fails good addresses far too often is not believed
                   noticing.py, suspicion.py  which provider that is: the counting, and the test
    6. announce    outbox.py        history and announcements, written together, told afterwards

    `process.py` is the only module that knows all stages. `schedule.py` starts it when something waits, woken by
    PostgreSQL (`wake.py`); `jobs.py` is what the workers run (`workers.py`: whether any lives);
    `lease.py` lets one at a time; `tasks.py` is what runs by the clock, and `schedule_runs.py` what became of it.

Before a message is sent: `issuing.py` gives it its return path, `return_path.py` says what that proves.
What the pages and the API ask: `verdict.py` (may I write to it?), `refusals.py` (whom nobody may write to, as sets),
`demands.py` (what a campaign asks beyond that), `address_kinds.py` (disposable, free and desks' addresses),
`mistyped.py` (domains that look like slips),
`sentences.py` (why, in words).
What people decide: `rulings.py` (restore, hold), `suppressions.py` (never send here;
`suppression_lists.py` reads lists of them; `opt_outs.py` knows what other tools call them),
`review.py` (what the facts leave open: `questions.py`),
`standings.py` (whether a bounce counts).
`rejudging/` judges what is recorded by other rules: tried, then applied as a cleaning run.
`repair.py` takes back what one provider's error made invalid.
What it adds up to: `reputation.py` (rates and their lines), `providers.py` (who receives).
Secrets of mailboxes and webhooks: `sealing.py` (kept sealed), `resealing.py` (when a key is replaced).
The words are in `values.py`, the tables in `models/`, what several modules ask of a row in `conditions.py`.
This package knows nothing of contacts or campaigns.
"""
