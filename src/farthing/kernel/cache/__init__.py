"""Finished answers, kept so that nobody is ever given one older than a write already acknowledged (I11).

`answers.py` is what rooms ask. Where answers lie and what makes them current is a keeper's business: `local.py` in
this process, `shared.py` in Redis. Nothing here is truth: whatever is lost is read from the store again.
"""
