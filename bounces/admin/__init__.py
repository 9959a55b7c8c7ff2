"""The admin of `bounces`: facts to read, decisions to take, the policy, and what is running.

bases.py       what the admin classes share: read-only tables, bounded paging, search by prefix, labels
facts.py       Address, Attempt, Bounce, Evidence, Complaint, EventKey, DailyStat
reputation.py  Domain, Guard, Incident, GoodFailure, GoodMail, Repair, Silence
decisions.py   Ruling, Suppression
proof.py       ReviewItem, Unproved, MergedAttempt, SameMessage, EarlyOutcome, MailboxPosition
policy.py      Policy, StatusChange, Dirty
rules.py       RuleOverride (rule_pages.py: drafts, all rules in force), Rejudging, RejudgedBounce
sources.py     IntakeSource, SourceSeen; source_forms.py: what each kind is asked for; trying.py: “Test this source”
running.py     CleaningRun and its rows, InboundItem, RawChunk, Schedule and its runs, Lease, Outbox
"""

from bounces.admin import decisions, facts, policy, proof, reputation, rules, running, sources

__all__ = ["decisions", "facts", "policy", "proof", "reputation", "rules", "running", "sources"]
