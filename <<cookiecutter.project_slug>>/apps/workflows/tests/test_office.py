"""Word and PowerPoint templates: what they show, what they cannot do, and what is no template."""

from copy import deepcopy
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.exceptions import ValidationError
from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.shared import Inches
from pptx import Presentation

from apps.workflows import document_language, office, word_template
from apps.workflows.office import CannotFill, fill, read_template
from apps.workflows.tests.office_files import many_headers, powerpoint, powerpoint_runs, with_file, word, word_texts

LINK = b"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r" Type="http://x/attachedTemplate" Target="https://example.com/x.dotm" TargetMode="External"/>
</Relationships>"""
FOOTNOTES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:footnote w:id="1"><w:p>
<w:r><w:t>For {</w:t></w:r><w:r><w:t>{ text }}</w:t></w:r></w:p></w:footnote></w:footnotes>"""
VALUES = {"client": {"name": "R&D <Ltd>"}, "items": [{"name": "Pen", "price": 1.5}, {"name": "Ink", "price": 1200}], "note": None}


def filled(*paragraphs: tuple[str, ...], header: str = "", **values: Any) -> list[str]:
    return word_texts(fill(office.WORD, word(*paragraphs, header=header), VALUES | values))


def test_a_word_template_is_filled_wherever_somebody_typed() -> None:
    texts = filled(("Dear {", "{ client", ".name }}", "{{ note }}!"), header="For {{ client.name }}")

    assert texts == ["Dear R&D <Ltd>!", "For R&D <Ltd>"]


def test_a_word_template_repeats_and_chooses() -> None:
    texts = filled(
        ("{%p for item in items %}",),
        ("{{ item.name }}: {{ item.price | number }}{% if item.price > 100 %} (dear){% endif %}",),
        ("{%p endfor %}",),
        ("Total {{ items | sum('price') }}, twice {{ items[0].price * 2 }}, on {{ day | date('j F Y') }}",),
        day="2026-01-31",
    )

    assert texts == ["Pen: 1.50", "Ink: 1,200.00 (dear)", "Total 1201.5, twice 3.0, on 31 January 2026"]


def test_a_word_template_chooses_rows_cells_and_runs() -> None:
    runs = ("{%r if note %}", "no", "{%r endif %}", "yes{%r if client %} and", " so{%r endif %}")
    document, stored = Document(BytesIO(word(runs))), BytesIO()
    table = document.add_table(3, 2)
    for place, text in (((0, 0), "{%tr for item in items %}"), ((1, 0), "{{ item.name }}"), ((2, 1), "{%tr endfor %}")):
        table.cell(*place).text = text
    row = document.add_table(1, 3).rows[0]
    for cell, text in zip(
        row.cells, ("{%tc for item in items %}", "{{ item.price }}{# in euro #}", "{%tc endfor %}"), strict=True
    ):
        cell.text = text
    document.add_paragraph("{#p This is for those who write the template. #}")
    document.add_paragraph("One, ")
    document.add_paragraph("{%- if client -%}")
    document.add_paragraph("two{% endif %}")
    document.save(stored)

    made = Document(BytesIO(fill(office.WORD, stored.getvalue(), VALUES)))

    assert [paragraph.text for paragraph in made.paragraphs] == ["yes and so", "One, two"]
    texts = [[[cell.text for cell in row.cells] for row in table.rows] for table in made.tables]
    assert texts == [[["Pen", ""], ["Ink", ""]], [["1.5", "1200"]]]


def test_lines_and_characters_that_no_file_can_have_break_nothing() -> None:
    assert filled(("{{ text }}",), text="one\ntwo\x00\x0b \ud800end") == ["one\ntwo end"]


def test_a_powerpoint_template_is_filled_and_keeps_its_looks() -> None:
    runs = "To {", "{ client.na", "me }} and all", " {{ note }}"
    deck = powerpoint(*runs, cell="{{ items[1].name }}", note="{{ items[0].name }}")

    made = fill(office.POWERPOINT, deck, VALUES)

    assert powerpoint_runs(made) == [("To R&D <Ltd>", False), ("", True), (" and all", False), (" ", True)]
    slide = Presentation(BytesIO(made)).slides[0]
    assert slide.shapes[1].table.cell(0, 0).text == "Ink"
    assert slide.notes_slide.notes_text_frame.text == "Pen"


def test_each_line_of_a_value_is_a_line_of_the_slide() -> None:
    made = fill(office.POWERPOINT, powerpoint("", "<{{ text }}>"), {"text": "one\ntwo\nthree"})

    paragraph = Presentation(BytesIO(made)).slides[0].shapes[0].text_frame.paragraphs[0]
    assert paragraph.text == "<one\vtwo\vthree>"
    assert [run.font.bold for run in paragraph.runs] == [False, True, True, True]


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}", "{{ client.items() }}", "{% set x = 'a' %}", "{{ 'a' * 10 }}", "{{ 'a' ~ 'b' }}",
        "{{ 1 / 0 }}", "{{ range(9) }}", "{% macro a() %}{% endmacro %}", "{{ 2 ** 9 }}",
        "{% include 'x' %}", "{{ client | tojson }}",
        "{% for a in items %}{% for b in items %}{% for c in items %}x{% endfor %}{% endfor %}{% endfor %}",
        "{{ '%9d' % 1 }}", "{{ nobody }}", "{{ client.phone }}", "{{ 'x' | date }}", "{{ 'x' | number }}",
        "{{ client > 3 }}", "{{ '' | date('H:i') }}",
    ],
)  # fmt: skip
def test_a_template_shows_values_and_can_do_nothing_else(text: str) -> None:
    with pytest.raises(CannotFill):
        filled((text,))
    with pytest.raises(CannotFill):
        fill(office.POWERPOINT, powerpoint("{{ nobody }}"), VALUES)


def test_a_condition_that_leaves_half_a_table_is_said() -> None:
    document, stored = Document(BytesIO(word())), BytesIO()
    header = document.sections[0].header
    header.paragraphs[0].text = "{% if note %}"
    header.add_table(1, 1, Inches(1)).cell(0, 0).text = "{% endif %}"
    document.save(stored)

    with pytest.raises(CannotFill, match="mismatch"):
        fill(office.WORD, stored.getvalue(), VALUES)


def test_a_document_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_language, "MAX_TEXT", 10_000)

    with pytest.raises(CannotFill, match="longer than 10,000"):
        filled(("{% for a in items %}{% for b in items %}{{ a }}{% endfor %}{% endfor %}",), items=["x" * 10] * 100)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (office.WORD, word(("{{ a }}" * 1_001,))),
        (office.WORD, word(("{% if a %}{% endif %}" * 501,))),
        (office.WORD, word(("{# a #}" * 1_001,))),
        (office.WORD, word(("{{r " * 1_001,))),
        (office.WORD, word(("{", "{ ") * 1_001)),
        (office.WORD, word(("{{ a }}" * 600,), header="{{ a }}" * 600)),
        (office.WORD, many_headers(11, "{{ a }}" * 100)),
        (office.WORD, word(("{{ a }}{# " + "a" * 60_000 + "#}{{ a " + "or a " * 12_000 + "}}",))),
        (office.POWERPOINT, powerpoint("{{ a }}" * 1_001)),
        (office.POWERPOINT, powerpoint("{{" * 1_001)),
        (office.POWERPOINT, powerpoint("{{ a }}" * 600, note="{{ a }}" * 600)),
    ],
)  # fmt: skip
def test_a_template_has_so_many_places(kind: str, content: bytes) -> None:
    with pytest.raises(ValidationError, match="at most 1,000 places"):
        read_template(f"a{office.ENDING[kind]}", content)
    with pytest.raises(CannotFill, match="at most 1,000 places"):
        fill(kind, content, {"a": 1})


def test_a_part_that_is_named_often_is_read_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_template, "MAX_READ", 20_000)

    assert read_template("a.docx", many_headers(1, "x" * 1_000))
    with pytest.raises(ValidationError, match="more than 20,000 characters of XML"):
        read_template("a.docx", many_headers(20, "x" * 1_000))


def test_a_slide_that_is_shown_twice_is_filled_once() -> None:
    deck, stored = Presentation(BytesIO(powerpoint("{{ text }}"))), BytesIO()
    shown = deepcopy(deck.slides._sldIdLst[0])
    shown.set("id", "999")
    deck.slides._sldIdLst.append(shown)
    deck.save(stored)

    assert powerpoint_runs(fill(office.POWERPOINT, stored.getvalue(), {"text": "{{ other }}", "other": 1})) == [
        ("{{ other }}", False)
    ]


def test_places_that_share_runs_are_filled_each() -> None:
    deck = powerpoint("<{{ a }}{", "{ b }}", "-{", "", "{ a", " }}{{ b }}>")

    runs = powerpoint_runs(fill(office.POWERPOINT, deck, {"a": 1, "b": 22}))

    assert [text for text, _ in runs] == ["<122", "", "-1", "", "", "22>"]


def test_a_presentation_has_so_many_lines() -> None:
    with pytest.raises(CannotFill, match="more than 10,000 lines"):
        fill(office.POWERPOINT, powerpoint("{{ text }}{{ text }}"), {"text": "x\n" * 6_000})


def test_footnotes_are_filled_once_for_all_sections() -> None:
    document, stored = Document(BytesIO(word())), BytesIO()
    document.add_section()
    notes = Part(PackURI("/word/footnotes.xml"), word_template.FOOTNOTES, FOOTNOTES.encode(), document.part.package)
    document.part.relate_to(notes, RELATIONSHIP_TYPE.FOOTNOTES)
    document.save(stored)

    made = fill(office.WORD, stored.getvalue(), {"text": "{{ other }}", "other": "secret"})

    with ZipFile(BytesIO(made)) as archive:
        assert '<w:t xml:space="preserve">For {{ other }}</w:t>' in archive.read("word/footnotes.xml").decode()


def test_tables_stand_so_deep() -> None:
    document, stored = Document(BytesIO(word())), BytesIO()
    cell = document.add_table(1, 1).cell(0, 0)
    for _ in range(20):
        cell = cell.add_table(1, 1).cell(0, 0)
    document.save(stored)

    with pytest.raises(CannotFill, match="20 deep"):
        fill(office.WORD, stored.getvalue(), {})


def test_a_template_says_of_what_it_speaks() -> None:
    assert read_template("a.DOCX", word(("{{ client.name }}{% for x in items %}{{ x }}{% endfor %}",), header="{{ no }}")) == (
        office.WORD,
        ["client", "items", "no"],
    )
    assert read_template("a.pptx", powerpoint("{{ a.b", " }}", cell="{{ c }}")) == (office.POWERPOINT, ["a", "c"])


@pytest.mark.parametrize(
    ("filename", "content", "message"),
    [
        ("a.doc", word(), "name ends with .docx or .pptx"),
        ("a.docx", b"MZ", "neither a Word nor"),
        ("a.docx", word()[:-200], "neither a Word nor"),
        ("a.docx", powerpoint(), "This is no Word document"),
        ("a.pptx", word(), "This is no PowerPoint presentation"),
        ("a.docx", word(("{{ client.",)), "cannot be used"),
        ("a.docx", word(("{{ a.b() }}",)), "cannot use call"),
        ("a.pptx", powerpoint("{{ a.b() }}"), "cannot use call"),
        ("a.pptx", powerpoint("{% if a %}"), "alone"),
        ("a.docx", with_file(word(), "word/vbaProject.bin", b"x"), "has macros"),
        ("a.docx", with_file(word(), "word/_rels/settings.xml.rels", LINK), "fetches something"),
        ("a.docx", with_file(word(), "word/bomb.xml", bytes(9 * 2**20)), "unpacks to more"),
        ("a.docx", with_file(word(), "word/media/bomb.png", bytes(51 * 2**20)), "unpacks to more"),
        ("a.docx", b"PK" + bytes(5 * 2**20), "at most 5 MiB"),
    ],
)  # fmt: skip
def test_what_can_be_no_template_is_refused(filename: str, content: bytes, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        read_template(filename, content)
