"""Imports over HTTP."""

from typing import Final

from flask import request
from werkzeug.datastructures import FileStorage

from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.problems import FieldError, Invalid, Malformed, WrongMediaType
from farthing.kernel.schemas import ListQuery, parsed
from farthing.kernel.web import Answer, ListShown, Routes, json_body, provided, shown
from farthing.usage.imports.schemas import BODIES, BadRowOut, ImportIn, ImportOut, UploadIn
from farthing.usage.imports.service import Given, Imports
from farthing.usage.imports.values import Import

MOST_BYTES: Final = 2 * 1024 * 1024 * 1024  # of an upload; a larger file comes from a bucket, or in parts
UPLOAD: Final = "multipart/form-data"
JSON: Final = "application/json"
routes = Routes("imports")


@routes.post(
    "/v1/imports", scope=Scope.INGEST, answer=ImportOut, raw=BODIES, status=202, most_bytes=MOST_BYTES
)
def create_import(caller: Caller) -> Answer:
    """Read a file of usage: sent as `file` of a form, or fetched from a bucket; the same content again adds nothing."""
    take = {UPLOAD: _uploaded, JSON: _fetched}.get(request.mimetype)
    if take is None:
        given = request.mimetype or "none"
        raise WrongMediaType(f"The body's media type is {given}; this call takes {UPLOAD}, {JSON}.")
    one = take(caller)
    return Answer(ImportOut.of(one), 200 if one.finished else 202, (("Location", f"/v1/imports/{one.id}"),))


@routes.get("/v1/imports", scope=Scope.READ, query=ListQuery, answer=ImportOut, paged=True)
def list_imports(caller: Caller, query: ListQuery) -> ListShown:
    """The imports, oldest first."""
    place = listing("imports", caller.organization, query.limit, query.after)
    return shown(provided(Imports).page(caller, place), ImportOut.of)


@routes.get("/v1/imports/<import_id>", scope=Scope.READ, answer=ImportOut)
def get_import(caller: Caller, import_id: str) -> ImportOut:
    """One import and how far it has come."""
    return ImportOut.of(provided(Imports).get(caller.organization, import_id))


@routes.get("/v1/imports/<import_id>/errors", scope=Scope.READ, query=ListQuery, answer=BadRowOut, paged=True)
def list_import_errors(caller: Caller, import_id: str, query: ListQuery) -> ListShown:
    """The rows that were rejected or left out, by line, with the reasons; the first 10,000 of a file."""
    place = listing(f"imports/{import_id}/errors", caller.organization, query.limit, query.after)
    return shown(provided(Imports).errors(caller, import_id, place), BadRowOut.of)


def _uploaded(caller: Caller) -> Import:
    said = parsed(UploadIn, _fields())
    file = _file()
    file.stream.seek(0)  # also when this is done again
    given = Given((file.filename or "")[:255], said.format, said.source)
    return provided(Imports).take(caller, given, file.stream)  # type: ignore[arg-type]  # a temporary file


def _fetched(caller: Caller) -> Import:
    said = parsed(ImportIn, json_body())
    return provided(Imports).fetch(caller, Given(said.url, said.format, said.source, said.url), said.url)


def _fields() -> dict[str, str]:
    """The parts of the form that are no files."""
    if twice := next((name for name, values in request.form.lists() if len(values) > 1), None):
        raise Malformed(f"The form has {twice[:80]} more than once.")
    return request.form.to_dict()


def _file() -> FileStorage:
    """The one file of the form."""
    files = list(request.files.items(multi=True))
    if unknown := next((name for name, _ in files if name != "file"), None):
        raise Invalid(f"{unknown[:80]} is unknown.", [FieldError(unknown[:80], "is unknown or cannot be set")])
    if len(files) != 1:
        raise Invalid("file must be there once.", [FieldError("file", "is required, once")])
    return files[0][1]
