"""Word and PowerPoint files: whether one can be a template, and filling it. What stands in the braces: document_language.py."""

import re
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from copy import deepcopy
from io import BytesIO
from itertools import accumulate
from pathlib import PurePath
from typing import Any
from zipfile import BadZipFile, ZipFile

from django.core.exceptions import ValidationError
from jinja2 import TemplateError, meta
from jinja2.exceptions import SecurityError
from lxml import etree
from pptx import Presentation
from pptx.oxml.ns import qn

from apps.workflows.document_language import MAX_BRACES, TOO_MANY, DocumentEnvironment
from apps.workflows.word_template import WordTemplate

WORD, POWERPOINT = "word", "powerpoint"
ENDINGS = {".docx": WORD, ".pptx": POWERPOINT}
ENDING = {kind: ending for ending, kind in ENDINGS.items()}
MEDIA_TYPES = {
    WORD: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    POWERPOINT: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
SHOWN = {WORD: "Word document", POWERPOINT: "PowerPoint presentation"}
# In bytes: of a file, of what it unpacks to, of the largest XML file in it.
MAX_SIZE, MAX_UNPACKED, MAX_XML = 5 * 2**20, 50 * 2**20, 8 * 2**20
MAX_FILES = 2_000
MACROS = re.compile(r"vbaProject\.bin$|/activeX/", re.IGNORECASE)
# Of the texts of a presentation in characters, one that many slides have counted for each; lines that values bring.
MAX_READ, MAX_LINES = 50 * 2**20, 10_000


class CannotFill(ValueError):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """A template asks for what there is not. The message is a sentence."""


def read_template(filename: str, content: bytes) -> tuple[str, list[str]]:
    """The kind of an uploaded file, and the names that it speaks of. Raises ValidationError for what can be no template."""
    kind = ENDINGS.get(PurePath(filename).suffix.lower())
    if kind is None:
        raise ValidationError({"file": f"A template's name ends with {' or '.join(ENDINGS)}."})
    _refuse_archive(content)
    try:
        names = _names_in_word(content) if kind == WORD else _names_in_powerpoint(content)
    except TemplateError as error:
        raise ValidationError({"file": f"What stands between its braces cannot be used: {error}."}) from error
    # The libraries raise whatever a broken file makes them stumble over.
    except Exception as error:
        raise ValidationError({"file": f"This is no {SHOWN[kind]}, or it is damaged."}) from error
    return kind, sorted(names)


def fill(kind: str, content: bytes, values: Mapping[str, Any]) -> bytes:
    """The document that a template makes of the values. Raises CannotFill."""
    try:
        return _fill_word(content, values) if kind == WORD else _fill_powerpoint(content, values)
    # A filter or a comparison that does not fit its value raises what Python does; half a table, what lxml and its reader do.
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, etree.LxmlError) as error:
        raise CannotFill(f"the template cannot be filled: {error}") from error


def _refuse_archive(content: bytes) -> None:
    """Raises ValidationError for what would unpack to more than a worker should hold. Python reads no more than is declared."""
    if len(content) > MAX_SIZE:
        raise ValidationError({"file": f"A template has at most {MAX_SIZE // 2**20} MiB."})
    try:
        with ZipFile(BytesIO(content)) as archive:
            _refuse_contents(archive)
    except (BadZipFile, ValueError, NotImplementedError, RuntimeError, zlib.error, etree.XMLSyntaxError) as error:
        raise ValidationError({"file": "This is neither a Word nor a PowerPoint file, or it is damaged."}) from error


def _refuse_contents(archive: ZipFile) -> None:
    files = archive.infolist()
    xml = [file for file in files if file.filename.lower().endswith((".xml", ".rels"))]
    largest = max((file.file_size for file in xml), default=0)
    if len(files) > MAX_FILES or sum(file.file_size for file in files) > MAX_UNPACKED or largest > MAX_XML:
        raise ValidationError({"file": "It unpacks to more than a document has."})
    if any(MACROS.search(file.filename) for file in files):
        raise ValidationError({"file": "It has macros: save it without."})
    # Word fetches what is linked when it opens the document: https://attack.mitre.org/techniques/T1221/
    for file in xml:
        if file.filename.lower().endswith(".rels") and any(map(_fetches, etree.fromstring(archive.read(file), _safe_parser()))):
            raise ValidationError({"file": "It fetches something from elsewhere when it is opened: put that into the file."})


def _fetches(relationship: Any) -> bool:
    return relationship.get("TargetMode") == "External" and not str(relationship.get("Type")).endswith("/hyperlink")


def _safe_parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)


def _names_in_word(content: bytes) -> set[str]:
    template = WordTemplate(BytesIO(content))
    template.init_docx()
    names: set[str] = template.get_undeclared_template_variables(DocumentEnvironment(autoescape=True))
    return names


def _fill_word(content: bytes, values: Mapping[str, Any]) -> bytes:
    template, filled = WordTemplate(BytesIO(content)), BytesIO()
    template.render(dict(values), DocumentEnvironment(autoescape=True))
    template.save(filled)
    return filled.getvalue()


def _names_in_powerpoint(content: bytes) -> set[str]:
    language, names = DocumentEnvironment(autoescape=False), set()
    for elements in _paragraphs(Presentation(BytesIO(content))):
        text = _text(elements)
        if "{%" in text:
            raise TemplateError("a presentation has {{ }} alone, not {% %}")
        for start, end in _places(text):
            names |= meta.find_undeclared_variables(language.parse(text[start:end]))
    return names


def _fill_powerpoint(content: bytes, values: Mapping[str, Any]) -> bytes:
    deck, filled, language, lines = Presentation(BytesIO(content)), BytesIO(), DocumentEnvironment(autoescape=False), 0
    for elements in _paragraphs(deck):
        texts = _filled([element.text or "" for element in elements], language, values)
        lines += sum(text.count("\n") for text in texts)
        if lines > MAX_LINES:
            raise SecurityError(f"its places would get more than {MAX_LINES:,} lines")
        for element, text in zip(elements, texts, strict=True):
            _write(element, text)
    deck.save(filled)
    return filled.getvalue()


def _paragraphs(deck: Any) -> Iterator[list[Any]]:
    """The texts of every paragraph of the slides and their notes: in shapes, in groups of them, in tables."""
    read = braces = 0
    # A presentation may show one slide many times.
    for slide in {slide.part.partname: slide for slide in deck.slides}.values():
        for shown in (slide, slide.notes_slide) if slide.has_notes_slide else (slide,):
            for paragraph in shown.element.iter(qn("a:p")):
                elements = list(paragraph.iter(qn("a:t")))
                text = _text(elements)
                read, braces = read + 1 + len(elements) + len(text), braces + text.count("{{")
                if read > MAX_READ:
                    raise SecurityError(f"the presentation has more than {MAX_READ:,} characters")
                if braces > MAX_BRACES:
                    raise SecurityError(TOO_MANY)
                yield elements


def _text(elements: list[Any]) -> str:
    return "".join(element.text or "" for element in elements)


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where each {{ }} starts and ends. Braces that nothing closes are text."""
    end = 0
    while (start := text.find("{{", end)) >= 0 and (closed := text.find("}}", start)) >= 0:
        end = closed + 2
        yield start, end


def _filled(texts: list[str], language: DocumentEnvironment, values: Mapping[str, Any]) -> list[str]:
    """Each place filled where it begins, so that the text keeps its looks: PowerPoint cuts a text wherever somebody typed."""
    whole, begins = "".join(texts), [0, *accumulate(map(len, texts))]
    # From the end, so that the places before stay where they are.
    for start, end in reversed(list(_places(whole))):
        value = language.from_string(whole[start:end]).render(dict(values))
        first, last = bisect_right(begins, start) - 1, bisect_left(begins, end) - 1
        before, after = texts[first][: start - begins[first]], texts[last][end - begins[last] :]
        texts[first : last + 1] = (
            [before + value, *[""] * (last - first - 1), after] if last > first else [before + value + after]
        )
    return texts


def _write(element: Any, text: str) -> None:
    """Put a text into a run; each further line of it into a run of its own behind a line break."""
    first, *others = text.split("\n")
    element.text, run = first, element.getparent()
    for line in reversed(others):
        another, line_break = deepcopy(run), etree.SubElement(run.getparent(), qn("a:br"))
        another.find(qn("a:t")).text = line
        run.addnext(another)
        run.addnext(line_break)
