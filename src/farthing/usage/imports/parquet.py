"""Parquet: the columns of a table of events, or those of FOCUS; a row's number stands for its line."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from shutil import copyfileobj
from typing import Any, BinaryIO, Final, cast

from farthing.kernel.problems import Misconfigured
from farthing.kernel.strict_json import JsonNumber
from farthing.usage.imports.focus import rows_of_either
from farthing.usage.imports.tables import Cells, Table, checked_header
from farthing.usage.imports.values import BadFile, Row

AT_ONCE: Final = 8_000  # rows decoded at once
DATA: Final = "data"  # a column of this name that has fields of its own is the event's data
IN_MEMORY: Final = 1024 * 1024  # bytes of a file that cannot be read from its end, and is copied for it


def read(stream: BinaryIO, source: str | None) -> Iterator[Row]:
    """The events, or the usage where the columns are those of FOCUS; raises BadFile, Misconfigured."""
    arrow = _arrow()
    with _seekable(stream) as whole:
        try:
            file = arrow.parquet.ParquetFile(whole, pre_buffer=False)
        except (arrow.ArrowException, OSError) as error:
            raise BadFile(f"The file is no Parquet: {str(error).partition(chr(10))[0][:200]}") from error
        header = checked_header(_header(arrow, file.schema_arrow), ())
        yield from rows_of_either(Table(header, _rows(arrow, file)), source)


def _arrow() -> Any:  # Any: the library has no types
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise Misconfigured("Parquet files need a library: pip install 'farthing[parquet]'.") from error
    return pyarrow


@contextmanager
def _seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The same bytes in a file that can be read from its end, as the format wants it."""
    if isinstance(stream, io.BufferedReader) and stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as copy:
        copyfileobj(stream, copy, IN_MEMORY)
        copy.seek(0)
        yield cast(BinaryIO, copy)


def _header(arrow: Any, schema: Any) -> list[str]:  # Any: as in _arrow
    header: list[str] = []
    for column in schema:
        inner = column.name == DATA and arrow.types.is_struct(column.type)
        header += [one.name for one in column.type] if inner else [column.name]
    return header


def _rows(arrow: Any, file: Any) -> Iterator[Cells]:  # Any: as in _arrow
    line = 0
    try:
        for batch in file.iter_batches(AT_ONCE):
            columns: list[Sequence[object]] = []
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                inner = name == DATA and arrow.types.is_struct(column.type)
                columns += [_texts(arrow, one) for one in (column.flatten() if inner else [column])]
            for values in zip(*columns, strict=True):
                line += 1
                yield Cells(line, values)
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise EOFError(str(error)) from error


def _texts(arrow: Any, column: Any) -> Sequence[object]:  # Any: as in _arrow
    """The cells of a column as texts, "" for null, and as JSON where they are nested."""
    types, kind = arrow.types, column.type
    if types.is_dictionary(kind):
        return _texts(arrow, column.dictionary_decode())
    if types.is_nested(kind):
        return ["" if value is None else _json(value) for value in column.to_pylist()]
    if types.is_timestamp(kind):
        column = column.cast(arrow.timestamp("us", kind.tz), safe=False)  # to the microsecond, as all times are
        column = arrow.compute.strftime(column.cast(arrow.timestamp("us", "UTC")), "%Y-%m-%dT%H:%M:%SZ")
    return cast("Sequence[object]", column.cast(arrow.string()).fill_null("").to_pylist())


def _json(value: object) -> object:
    """What is nested as an event may say it: numbers with their digits, all else as text."""
    if isinstance(value, dict):
        return {str(name): _json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_json(inner) for inner in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return JsonNumber(repr(value))
    if isinstance(value, Decimal):
        return JsonNumber(format(value, "f"))
    return value if value is None or isinstance(value, (bool, str)) else str(value)
