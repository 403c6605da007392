from __future__ import annotations

from pathlib import Path

import pytest

from ldconf.core.errors import LdconfError
from ldconf.workflow.written import write


def test_files_and_folders_are_made(tmp_path: Path) -> None:
    assert write(tmp_path, {"a/b.yaml": "ünï\n"}) == (tmp_path / "a" / "b.yaml",)
    assert (tmp_path / "a" / "b.yaml").read_bytes() == "ünï\n".encode()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.yaml"]


def test_mode_of_an_existing_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.touch(mode=0o640)
    write(tmp_path, {"a.yaml": "new"})
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("path", ["../a.yaml", "/etc/ldconf-test", "link/a.yaml", "file.yaml"])
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    (root / "file.yaml").symlink_to(outside / "target.yaml")
    with pytest.raises(LdconfError, match="will not write"):
        write(root, {"fine.yaml": "x", path: "x"})
    assert list(outside.iterdir()) == []
    assert not (root / "fine.yaml").exists()


def test_reason_of_the_system_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(LdconfError, match=r"cannot write .*b\.yaml"):
        write(tmp_path, {"a/b.yaml": "x"})


def test_shared_folder_may_be_written(tmp_path: Path) -> None:
    root, shared = tmp_path / "root", tmp_path / "shared"
    root.mkdir()
    shared.mkdir()
    write(root, {"../shared/prompt.md": "x"}, root / "../shared")
    assert (shared / "prompt.md").read_text() == "x"
