"""The export of invoice lines over the wire."""

from pydantic import Field

from farthing.billing.journal.schemas import Moment
from farthing.kernel.schemas import Query, Reference


class LineExportQuery(Query):
    """When the invoices were issued, half-open, days in the organisation's time zone; and of which customer."""

    since: Moment | None = Field(None, alias="from")
    before: Moment | None = Field(None, alias="to")
    customer: Reference | None = None
