"""How many rows the next step of a run takes: as many as it writes within the time that a page may wait for it.

In: how long the last step took. Out: a number of rows. A step holds its addresses until it ends, and costs something
however few they are: small ones waste the processor, large ones keep people waiting. Where the machine is so busy that
everything takes long, small ones would only make it busier: a stage has a least. Pure. Stage: evaluate.
"""

from __future__ import annotations

STEP_LASTS = 0.07  # seconds; a page's write may wait for a whole step, and shall not wait 100 ms
FIRST = 250
LEAST = 100
LEAST_OF_CHEAP = 1_000  # where a row takes 0.04 ms of the processor, and not ten times that
MOST = 5_000


def next_size(size: int, seconds: float, least: int = LEAST, most: int = MOST) -> int:
    """After a step of `size` rows that took so long: towards STEP_LASTS, twice or half as many at most."""
    fitting = round(size * STEP_LASTS / max(seconds, 0.001))
    return max(least, min(most, max(size // 2, min(size * 2, fitting))))
