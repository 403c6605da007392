"""LaunchDarkly's own API client without the parts that no test asks for.

To import it builds 2,000 models and 1,200 operations: seconds, in every process that runs tests.
Here its packages import a name from the module that has it when somebody asks for the name. The
classes are the same.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

CLIENT = "launchdarkly_api"
IMPORT = re.compile(rf"^ *from ({CLIENT}[\w.]*) import (\w+)", re.MULTILINE)


class LazyPackage(ModuleType):
    """A package that has not run its `__init__.py`, but knows where its names come from."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.__path__ = [str(folder)]
        source = (folder / "__init__.py").read_text(encoding="utf-8")
        self._module_by_name = {found[2]: found[1] for found in IMPORT.finditer(source)}

    def __getattr__(self, name: str) -> Any:
        if name not in self._module_by_name:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(self._module_by_name[name]), name)


def install() -> None:
    """Make later imports of the client lazy."""
    if CLIENT in sys.modules:
        return
    spec = find_spec(CLIENT)
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    client = LazyPackage(CLIENT, root)
    sys.modules[CLIENT] = client
    for name in ("api", "models"):
        part = LazyPackage(f"{CLIENT}.{name}", root / name)
        sys.modules[part.__name__] = part
        setattr(client, name, part)
