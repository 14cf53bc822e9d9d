"""Word templates: docxtpl, https://docxtpl.readthedocs.io, with its passes over the XML that take time times its length replaced.

Here each pass goes over the text once, whatever stands in it. Only what has a meaning for values is kept: places, {%p %},
{%tr %}, {%tc %} and {%r %} with their comments, {%- and -%}. What else may be in the braces: document_language.py.
"""

import re
from collections.abc import Iterator
from typing import Any

from docxtpl import DocxTemplate
from jinja2.exceptions import SecurityError, TemplateError

from apps.workflows.document_language import CLOSING, MAX_BRACES, OPENED, TOO_MANY

FOOTNOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
# In characters of all XML that is read. Many relationships can name one part: each reads it anew.
MAX_READ = 50 * 2**20
MAX_TABLES = 20
HIDDEN = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
TAG, TABLE = re.compile(r"<[^>]*>"), re.compile(r"<(/?)w:tbl[ >]")
# Word cuts a text wherever somebody typed: { and { of one place may be far from each other.
BETWEEN_BRACES = re.compile(r"(?<=\{)(?:<[^>]*>)+(?=[{%#])|(?<=[%}#])(?:<[^>]*>)+(?=\})")
WITHOUT_TEXT_BEFORE = re.compile(r"</w:t>(?:(?!</w:t>).)*?\{%-", re.DOTALL)
WITHOUT_TEXT_AFTER = re.compile(r"-%\}(?:(?!<w:t[ >]|\{%|\{\{|-%\}).)*?<w:t(?: [^>]*)?>", re.DOTALL)
WITH_PLACE = re.compile(r"<w:t>(?=[^<]*\{[{%])")
TEXT = re.compile(r"<w:t(?: [^>]*)?>[^<]*")
LINE, TAB = (f'</w:t><w:{name}/><w:t xml:space="preserve">' for name in ("br", "tab"))
# What Word writes while somebody types a quotation mark or a comparison, and what Jinja reads.
WRITTEN = {"&lt;": "<", "&gt;": ">", "“": '"', "”": '"', "‘": "'", "’": "'"}
# Around {%r %}: what stands beside it in its run has a run of its own.
OF_RUN, CUT_RUN = re.compile(r"\{%r\s"), '</w:t></w:r><w:r><w:t xml:space="preserve">'
ELEMENTS = ("tr", "tc", "p", "r")
COMMENT = re.compile(r"\{#(tr|tc|p) ")


class WordTemplate(DocxTemplate):  # type: ignore[misc]  # docxtpl has no types
    """A Word file with places to fill. It raises TemplateError for one that takes too much."""

    _read = _braces = 0

    def patch_xml(self, src_xml: str) -> str:
        """XML as Jinja reads it."""
        self._read += len(src_xml)
        if self._read > MAX_READ:
            raise SecurityError(f"the document has more than {MAX_READ:,} characters of XML")
        xml = BETWEEN_BRACES.sub("", HIDDEN.sub("", src_xml))
        self._braces += len(OPENED.findall(xml))
        if self._braces > MAX_BRACES:
            raise SecurityError(TOO_MANY)
        xml = "".join(_with_whole_places(xml))
        xml = WITH_PLACE.sub('<w:t xml:space="preserve">', xml)
        xml = WITHOUT_TEXT_AFTER.sub("%}", WITHOUT_TEXT_BEFORE.sub("{%", xml))
        for name in ELEMENTS:
            xml = "".join(_instead_of_elements(xml, name))
        return xml

    def resolve_listing(self, xml: str) -> str:
        """Show the lines and tabs of values."""
        return TEXT.sub(lambda text: text.group().replace("\n", LINE).replace("\t", TAB), xml)

    def render_footnotes(self, context: dict[str, Any], jinja_env: Any = None) -> None:
        """Fill the footnotes, once for all sections: what a value says is not filled again."""
        for part in self.docx.part.package.iter_parts():
            if part.content_type == FOOTNOTES:
                xml = self.patch_xml(self.get_part_xml(part))
                part._blob = self.render_xml_part(xml, part, context, jinja_env).encode()

    def fix_tables(self, xml: str) -> Any:
        """Give the tables as many columns as they have got. Each is gone through with those that stand in it."""
        depth = 0
        for table in TABLE.finditer(xml):
            depth += -1 if table.group(1) else 1
            if depth > MAX_TABLES:
                raise SecurityError(f"tables stand {MAX_TABLES} deep at most")
        return super().fix_tables(xml)


def _with_whole_places(xml: str) -> Iterator[str]:
    """The XML in pieces, the places without the tags in them."""
    end = 0
    while found := OPENED.search(xml, end):
        closed = xml.find(CLOSING[found.group()], found.end())
        if closed < 0:
            raise TemplateError(f"{found.group()} is opened and never closed")
        yield xml[end : found.start()]
        end = closed + 2
        yield _place(TAG.sub("", xml[found.start() : end]))
    yield xml[end:]


def _place(text: str) -> str:
    if text.startswith("{#"):
        comment = COMMENT.match(text)
        return f"{{#{comment.group(1)} #}}" if comment else ""
    for written, read in WRITTEN.items():
        text = text.replace(written, read)
    return f"{CUT_RUN}{text}{CUT_RUN}" if OF_RUN.match(text) else text


def _instead_of_elements(xml: str, name: str) -> Iterator[str]:
    """The XML in pieces, with {% … %} instead of each innermost element of a name that {%name … %} stands in."""
    place, closing = re.compile(rf"(\{{%){name} ([^}}%]*%\}})|\{{#{name} #\}}"), f"</w:{name}>"
    if not place.search(xml):
        yield xml
        return
    first, *elements = re.split(rf"(?=<w:{name}[ >])", xml)
    yield first
    for element in elements:
        end = element.rfind(closing)
        found = [each for each in place.finditer(element) if each.start() < end]
        if not found:
            yield element
            continue
        # A comment leaves nothing.
        yield " ".join(filter(None, found[-1].groups()))
        yield element[element.find(closing, found[-1].end()) + len(closing) :]
