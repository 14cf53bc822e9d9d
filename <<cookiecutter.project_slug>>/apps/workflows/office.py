"""Word and PowerPoint files: whether one can be a template, and filling it. What stands in the braces: document_language.py."""

import re
import zlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from io import BytesIO
from itertools import accumulate
from pathlib import PurePath
from typing import Any
from zipfile import BadZipFile, ZipFile

from django.core.exceptions import ValidationError
from docxtpl import DocxTemplate
from jinja2 import TemplateError, meta
from lxml import etree
from pptx import Presentation
from pptx.oxml.ns import qn

from apps.workflows.document_language import DocumentEnvironment

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
FILLED = re.compile(r"\{\{.*?\}\}", re.DOTALL)

_word, _powerpoint = DocumentEnvironment(autoescape=True), DocumentEnvironment(autoescape=False)


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
    # A filter or a comparison that does not fit its value raises what Python does; half a table, what lxml does.
    except (TemplateError, TypeError, ValueError, ArithmeticError, etree.LxmlError) as error:
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
    template = DocxTemplate(BytesIO(content))
    template.init_docx()
    names: set[str] = template.get_undeclared_template_variables(_word)
    return names


def _fill_word(content: bytes, values: Mapping[str, Any]) -> bytes:
    template, filled = DocxTemplate(BytesIO(content)), BytesIO()
    template.render(dict(values), _word)
    template.save(filled)
    return filled.getvalue()


def _names_in_powerpoint(content: bytes) -> set[str]:
    deck = Presentation(BytesIO(content))
    texts = ["".join(text.text or "" for text in paragraph.iter(qn("a:t"))) for paragraph in _paragraphs(deck)]
    if any("{%" in text for text in texts):
        raise TemplateError("a presentation has {{ }} alone, not {% %}")
    places = (place for text in texts for place in FILLED.findall(text))
    return {name for place in places for name in meta.find_undeclared_variables(_powerpoint.parse(place))}


def _fill_powerpoint(content: bytes, values: Mapping[str, Any]) -> bytes:
    deck, filled = Presentation(BytesIO(content)), BytesIO()
    for paragraph in _paragraphs(deck):
        _fill_paragraph(paragraph, values)
    deck.save(filled)
    return filled.getvalue()


def _paragraphs(deck: Any) -> Iterator[Any]:
    """Every paragraph of the slides and their notes: in shapes, in groups of them, in tables."""
    for slide in deck.slides:
        yield from slide.element.iter(qn("a:p"))
        if slide.has_notes_slide:
            yield from slide.notes_slide.element.iter(qn("a:p"))


def _fill_paragraph(paragraph: Any, values: Mapping[str, Any]) -> None:
    """Fill each place where it begins, so that the text keeps its looks: PowerPoint cuts a text wherever somebody typed."""
    elements = list(paragraph.iter(qn("a:t")))
    texts = [element.text or "" for element in elements]
    # From the end, so that the places before stay where they are.
    for found in reversed(list(FILLED.finditer("".join(texts)))):
        value = _powerpoint.from_string(found.group()).render(dict(values))
        texts = _with(texts, found.start(), found.end(), value)
    for element, text in zip(elements, texts, strict=True):
        _write(element, text)


def _with(texts: list[str], start: int, end: int, value: str) -> list[str]:
    """The texts with what stands from `start` to `end` of them all replaced."""
    begins, changed = [0, *accumulate(map(len, texts))], []
    for begin, text in zip(begins, texts, strict=False):
        before, after = text[: max(start - begin, 0)], text[max(end - begin, 0) :]
        is_first = begin <= start < begin + len(text)
        overlaps = begin < end and start < begin + len(text)
        changed.append(before + (value if is_first else "") + after if overlaps else text)
    return changed


def _write(element: Any, text: str) -> None:
    """Put a text into a run; each further line of it into a run of its own behind a line break."""
    first, *others = text.split("\n")
    element.text, run = first, element.getparent()
    for line in reversed(others):
        another, line_break = deepcopy(run), etree.SubElement(run.getparent(), qn("a:br"))
        another.find(qn("a:t")).text = line
        run.addnext(another)
        run.addnext(line_break)
