"""`ldconf init`: a first workspace, the Pet Store example, ready for editors and for git."""

from __future__ import annotations

import json
from pathlib import Path

from ldconf.core.errors import LdconfError
from ldconf.documents import edit
from ldconf.documents.schema import schema
from ldconf.documents.tree import SETTINGS_FILE

PROJECT = "pet-store-agent"
SCHEMA_FILE = "ldconf.schema.json"
# The wheel brings the example in the package; a checkout has it beside the package.
PLACES = (Path(__file__).parents[1] / "example", Path(__file__).parents[2] / "configs")
# The project settings of JetBrains' editors that map a schema to files.
JETBRAINS = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<project version="4">
  <component name="JsonSchemaMappingsProjectConfiguration">
    <state>
      <map>
        <entry key="ldconf">
          <value>
            <SchemaInfo>
              <option name="name" value="ldconf" />
              <option name="relativePathToSchema" value="{SCHEMA_FILE}" />
              <option name="patterns">
                <list>
                  <Item>
                    <option name="pattern" value="true" />
                    <option name="path" value="*.yaml" />
                    <option name="mappingKind" value="Pattern" />
                  </Item>
                </list>
              </option>
            </SchemaInfo>
          </value>
        </entry>
      </map>
    </state>
  </component>
</project>
"""


def init(
    project: str = PROJECT, *, has_workspace: bool = False, places: tuple[Path, ...] = PLACES
) -> dict[str, str]:
    """Return path -> text of a new workspace with the Pet Store example.

    Where there is a workspace already (`has_workspace`), only what editors and git need: example
    documents would become part of its next plan.
    """
    wiring = {
        ".gitignore": "# State of `ldconf dev` and caches; nothing to share.\n.ldconf/\n",
        ".vscode/settings.json": _text({"yaml.schemas": {f"./{SCHEMA_FILE}": ["**/*.yaml"]}}),
        ".idea/jsonSchemas.xml": JETBRAINS,
        SCHEMA_FILE: _text(schema()),
    }
    if has_workspace:
        return wiring
    example = _example(places)
    example[SETTINGS_FILE] = edit.set_value(example[SETTINGS_FILE], ("project",), project)
    return {path: _with_schema(path, text) for path, text in example.items()} | wiring


def _example(places: tuple[Path, ...]) -> dict[str, str]:
    root = next((place for place in places if (place / SETTINGS_FILE).is_file()), None)
    if root is None:
        raise LdconfError("the example is missing from this installation", "install ldconf again")
    paths = [path for path in sorted(root.rglob("*")) if path.is_file()]
    texts = {path.relative_to(root).as_posix(): path for path in paths}
    return {
        name: path.read_text(encoding="utf-8")
        for name, path in texts.items()
        if not any(part.startswith((".", "_")) for part in name.split("/"))
    }


def _with_schema(path: str, text: str) -> str:
    """Return a document that tells editors its schema; other files as they are."""
    if not path.endswith(".yaml"):
        return text
    schema_path = "../" * path.count("/") + SCHEMA_FILE
    return f"# yaml-language-server: $schema={schema_path}\n{text}"


def _text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
