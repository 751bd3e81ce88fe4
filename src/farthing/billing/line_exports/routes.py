"""The export of invoice lines over HTTP."""

from farthing.billing.line_exports.schemas import LineExportQuery
from farthing.billing.line_exports.service import LineExport
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.web import Answer, Routes, provided

routes = Routes("exports")


@routes.get("/v1/exports/lines", scope=Scope.READ, query=LineExportQuery, media=("text/csv",))
def export_lines(caller: Caller, query: LineExportQuery) -> Answer:
    """The lines of finalised invoices as CSV, in the order in which they were issued."""
    text = provided(LineExport).write(caller.organization, query.customer, query.since, query.before)
    name = 'attachment; filename="lines.csv"'
    return Answer(text, headers=(("Content-Type", "text/csv; charset=utf-8"), ("Content-Disposition", name)))
