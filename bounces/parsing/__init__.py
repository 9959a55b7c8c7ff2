"""Reading a mail: is it a bounce, a complaint, an automatic reply, and about whom?

In: the raw bytes of one mail, whatever they are. Out: a `Reading` with one `Report` a recipient. Stage: parse.
Pure: no database, clock, network or Django settings; never raises; bounded time and memory.

    from bounces.parsing import read
    reading = read(raw)

- `mail.py`: the bounded view of the mail that every reader gets
- `caps.py`: which caps the mail met, so that what is left out is said
- `text.py`: addresses, codes and dates in a line
- `words.toml`: how mail systems say that a mail did not arrive, in a dozen languages; `words.py` reads it
- `notice.py`: the words of a report for people, and whether a mail system wrote them; `free_text.py`: what they say
- `delivery_status.py`: RFC 3464; `feedback.py`: RFC 5965; `auto_reply.py`: RFC 3834; `notification.py`: Amazon's JSON
- `wrapped.py`: a bounce inside a forward or another bounce
- `readers.py`: the order in which they are asked
"""

from bounces.parsing.readers import READERS, read

__all__ = ["READERS", "read"]
