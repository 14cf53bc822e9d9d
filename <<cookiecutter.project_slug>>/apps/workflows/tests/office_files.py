"""Word and PowerPoint files for tests, made as their programs make them: a text is cut wherever somebody typed."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from pptx import Presentation
from pptx.util import Inches


def word(*paragraphs: tuple[str, ...], header: str = "") -> bytes:
    """A document of paragraphs, each of runs; every second run is bold."""
    document, stored = Document(), BytesIO()
    for runs in paragraphs:
        paragraph = document.add_paragraph()
        for number, run in enumerate(runs):
            paragraph.add_run(run).bold = number % 2 == 1
    if header:
        document.sections[0].header.paragraphs[0].text = header
    document.save(stored)
    return stored.getvalue()


def many_headers(number: int, text: str) -> bytes:
    """A document that names the part of its header so many times."""
    document, stored = Document(BytesIO(word(header=text))), BytesIO()
    for each in range(1, number):
        document.part.load_rel(RELATIONSHIP_TYPE.HEADER, document.sections[0].header.part, f"again{each}")
    document.save(stored)
    return stored.getvalue()


def powerpoint(*runs: str, cell: str = "", note: str = "") -> bytes:
    """A slide with a text of those runs, every second bold, a table with one cell, and a note."""
    deck, stored = Presentation(), BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(5), Inches(1))
    for number, text in enumerate(runs):
        run = box.text_frame.paragraphs[0].add_run()
        run.text, run.font.bold = text, number % 2 == 1
    table = slide.shapes.add_table(1, 1, Inches(1), Inches(3), Inches(4), Inches(1)).table
    table.cell(0, 0).text = cell
    slide.notes_slide.notes_text_frame.text = note
    deck.save(stored)
    return stored.getvalue()


def with_file(content: bytes, name: str, added: bytes) -> bytes:
    """A file with another one in its archive."""
    stored = BytesIO(content)
    with ZipFile(stored, "a", ZIP_DEFLATED) as archive:
        archive.writestr(name, added)
    return stored.getvalue()


def word_texts(content: bytes) -> list[str]:
    """What stands in the paragraphs of a document, those of its header last."""
    document = Document(BytesIO(content))
    paragraphs = [*document.paragraphs, *document.sections[0].header.paragraphs]
    return [paragraph.text for paragraph in paragraphs if paragraph.text]


def powerpoint_runs(content: bytes) -> list[tuple[str, bool]]:
    """The runs of the text on the first slide, and which are bold."""
    slide = Presentation(BytesIO(content)).slides[0]
    return [(run.text, bool(run.font.bold)) for run in slide.shapes[0].text_frame.paragraphs[0].runs]
