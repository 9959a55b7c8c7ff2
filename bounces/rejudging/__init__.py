"""Judging history again: what the stored bounces are by the rules in force, or by a rule that is only tried.

In: rules, a person. Out: a cleaning run whose first part goes over the bounces; its preview says which verdicts and
which addresses change, then it is applied, or taken back. Stages: classify and evaluate, over what is recorded.

    judging.py   one bounce by its pieces of evidence: pure
    starting.py  what people do: try a rule, judge history again
    working.py   the job's steps, called by `cleaning/working.py`: judge a chunk, apply a chunk
    undoing.py   the old verdicts come back, and with them the statuses
    report.py    what the page says in figures

A bounce is judged by the columns of its evidence alone: by the same rules it is what it was. The statuses follow from
the verdicts by the policy's one evaluator, which reads a preview's verdicts over the recorded ones. So taking a run
back needs no rulings: the facts are as they were, and so is what follows from them.
"""
