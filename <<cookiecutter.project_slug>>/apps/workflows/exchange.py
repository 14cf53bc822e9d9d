"""Definitions as files, YAML or JSON, and those that come with the project, in ready/. As rows: drafts.py."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from django.core.exceptions import ValidationError
from pydantic import ValidationError as InvalidDocument

from apps.workflows.definitions import DefinitionDoc, document_of
from apps.workflows.models import Workflow, WorkflowVersion
from apps.workflows.storable import as_storable
from config.parsing import problems_by_field

type Format = Literal["yaml", "json"]
# In characters. YAML takes its time, 4 s at worst for so many.
MAX_SIZE = 300_000
READY = Path(__file__).parent / "ready"
WIDTH = 120


class _Loader(yaml.SafeLoader):
    """YAML that means no more than JSON: a date stays a text, `no` is no boolean, and nothing stands for something else."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Raises YAMLError for an alias: a few of them, nested, are a document that no memory holds."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias (*name): write out what it stands for")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in {"tag:yaml.org,2002:null", "tag:yaml.org,2002:float"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("-?(0|[1-9][0-9]*)$"), list("-0123456789"))


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are, not with escaped ends of lines."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def read_bytes(content: bytes) -> DefinitionDoc:
    """The definition in a file as it came. Raises ValidationError by field name."""
    try:
        return read(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValidationError({"file": f"This is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8."}) from error


def read(text: str) -> DefinitionDoc:
    """The definition in a file, YAML or JSON. Raises ValidationError by field name."""
    if len(text) > MAX_SIZE:
        raise ValidationError({"file": f"A definition has at most {MAX_SIZE:,} characters: this one has {len(text):,}."})
    try:
        # Through JSON, as it is stored: no number but finite ones, no key but texts.
        return DefinitionDoc.model_validate(json.loads(as_storable(_loaded(text))))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValidationError({"file": f"This is neither YAML nor JSON: {error}."}) from error
    except InvalidDocument as error:
        raise ValidationError(problems_by_field(error, otherwise="file")) from error
    except (ValueError, TypeError) as error:
        raise ValidationError({"file": f"This has what cannot be stored: {error}."}) from error


def write(document: DefinitionDoc, form: Format) -> str:
    """A definition as a file. What has its default is left out."""
    plain = document.model_dump(exclude_defaults=True)
    if form == "json":
        return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    return yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


@cache
def ready() -> Mapping[str, DefinitionDoc]:
    """The definitions that come with the project, by name."""
    return {path.stem: read(path.read_text()) for path in sorted(READY.glob("*.yaml"))}


def ready_definition(name: str) -> DefinitionDoc:
    """The one of that name. Raises ValidationError that names those that there are."""
    if name not in ready():
        raise ValidationError({"ready": f"There is no ready definition {name!r}: choose {', '.join(ready())}."})
    return ready()[name].model_copy(deep=True)


def edited_version(workflow: Workflow) -> WorkflowVersion | None:
    """What somebody who opens the workflow edits: its draft, or the version that a draft would begin with."""
    return workflow.versions.filter(number=None).first() or workflow.current


def edited_document(workflow: Workflow) -> DefinitionDoc:
    """That as a document; one without steps where there is neither."""
    version = edited_version(workflow)
    return document_of(version) if version else DefinitionDoc(name=workflow.name, description=workflow.description)


def _loaded(text: str) -> Any:
    if text.lstrip().startswith("{"):
        # JSON is YAML too, and read ten times as fast.
        with suppress(json.JSONDecodeError):
            return json.loads(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader
