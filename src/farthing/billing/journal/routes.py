"""The journal over HTTP."""

from farthing.billing.journal.exporting import JournalExport
from farthing.billing.journal.schemas import JournalQuery
from farthing.billing.journal.writing import FORMATS
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.web import Answer, Routes, accepted, provided

routes = Routes("exports")
MEDIA = {media: name for name, (media, _) in FORMATS.items()}


@routes.get("/v1/exports/journal", scope=Scope.READ, query=JournalQuery, media=tuple(MEDIA))
def export_journal(caller: Caller, query: JournalQuery) -> Answer:
    """The double-entry journal, as CSV or Beancount by `format` or `Accept`, then the gaps in series of numbers."""
    format = query.format or MEDIA[accepted(tuple(MEDIA))]
    text = provided(JournalExport).write(caller.organization, format, query.since, query.before)
    media, _ = FORMATS[format]
    name = f'attachment; filename="journal.{format}"'
    return Answer(text, headers=(("Content-Type", f"{media}; charset=utf-8"), ("Content-Disposition", name)))
