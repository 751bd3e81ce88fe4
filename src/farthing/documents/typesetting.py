"""Pages set by Typst: one compiler for each thread, kept; the fonts come with the installation."""

import json
import re
import threading
from datetime import datetime
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import typst

FONT_PACKAGES: Final = ("manimgx_fonts", "noto_cjk_sans_jp_regular")
STANDARD: Final = "a-3b"
UNSHOWN: Final = re.compile(r'the text `"(.+)"` could not be displayed', re.DOTALL)
INSTEAD: Final = "\N{WHITE SQUARE}"
ATTEMPTS: Final = 50  # scripts without a font in one document
_kept = threading.local()


def typeset(page: dict[str, Any]) -> bytes:  # Any: JSON
    """A page as PDF/A-3b, the same bytes for the same page; what no font has becomes an empty square."""
    issued_at = datetime.fromisoformat(page["issued_at"])
    text = json.dumps(page, ensure_ascii=False)
    for _ in range(ATTEMPTS):
        try:
            made = _compiler().compile(
                _template(), format="pdf", sys_inputs={"page": text}, pdf_standards=[STANDARD], timestamp=issued_at
            )
        except typst.TypstError as error:
            unshown = UNSHOWN.search(str(error))
            if unshown is None or unshown[1] not in text:
                raise
            text = text.replace(unshown[1], INSTEAD)
            continue
        assert isinstance(made, bytes), "one PDF"
        return made
    raise ValueError("The texts of this document are in too many scripts without a font.")


def _compiler() -> typst.Compiler:
    """This thread's own: compiling lets other threads go on, but one compiler does one thing at a time."""
    if (kept := getattr(_kept, "compiler", None)) is None:
        kept = _kept.compiler = typst.Compiler(font_paths=_fonts(), ignore_system_fonts=True)
    return kept


def forget() -> None:
    """Let go of this thread's compiler and of all that was made ready for it."""
    _kept.__dict__.pop("compiler", None)
    _fonts.cache_clear()


@cache
def _template() -> bytes:
    return files("farthing.documents").joinpath("page.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=_folders())


def _folders() -> list[Path]:
    found = (find_spec(name) for name in FONT_PACKAGES)
    return [Path(spec.origin).parent for spec in found if spec is not None and spec.origin is not None]
