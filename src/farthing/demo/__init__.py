"""The sample that `farthing demo` makes: a company, its price list, forty customers and a month of their usage.

`company.py`, `customers.py` and `usage.py` say what is in it, as data; `months.py` says for when; `sample.py` puts
it into a store, through the same use cases as a request.
"""
