"""How a line of an invoice came about, in words: what was counted, each step, the one rounding, what was taken off."""

from collections.abc import Iterator

from farthing.billing.invoices.shown import AggregateOut, ExplanationOut, StepOut


def as_text(one: ExplanationOut) -> str:
    """A line and, below it, what `in_words` says of it; ends with a line feed."""
    head = f"{one.description}: {one.net} {one.currency}"
    return "\n".join([head, *(f"  {each}" for each in in_words(one)), ""])


def in_words(one: ExplanationOut) -> Iterator[str]:
    """A line from what was counted to what is owed for it: a sentence for each thing that happened, in order."""
    if one.aggregate is not None:
        yield _counted(one.aggregate)
    if one.ignored is not None:
        yield f"{_events(one.ignored.count)} counted for nothing: {one.ignored.reason}"
    for step in one.steps:
        yield _step(step)
    yield f"{one.rounding.exact} is rounded {one.rounding.rule}: {one.rounding.amount}"
    for discount in one.discounts:
        yield discount.note
    for tax in one.taxes:
        yield f"{tax.rate_key}: {tax.note}" if tax.rate_key else tax.note
    if one.discounts or one.taxes:
        yield f"{one.net} net, less {one.discount} discount, plus {one.tax} tax"


def _counted(aggregate: AggregateOut) -> str:
    carried = f", beginning at a level of {aggregate.carried}" if aggregate.carried is not None else ""
    of = f"{aggregate.aggregation} of {_events(aggregate.events)}"
    return f"{aggregate.meter}: the {of} is {aggregate.value}{carried}"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"


def _step(step: StepOut) -> str:
    """What a step adds or, of what came before it, takes away; the amounts sum to what is rounded."""
    if step.amount.startswith("-"):
        return f"{step.note}: less {step.amount.removeprefix('-')}"
    if step.quantity == "0":
        return f"{step.note}: plus {step.amount}"
    if step.unit_amount is None:
        return f"{step.note}: {step.amount}"
    flat = f" + {step.flat_amount}" if step.flat_amount not in (None, "0") else ""
    return f"{step.note}: {step.quantity} x {step.unit_amount}{flat} = {step.amount}"
