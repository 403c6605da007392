from __future__ import annotations

import os
from pathlib import Path

import pytest

from ldconf.core.errors import LdconfError
from ldconf.documents.tree import Folder, GitTree, Unreadable, find_base
from tests.documents.trees import Repository

FILES = {
    "ldconf.yaml": "project: p\n",
    "a.yaml": "a",
    "prompts/x.md": "x",
    "deep/er/b.yml": "b",
    ".hidden/c.yaml": "c",
    ".d.yaml": "d",
    "other/ldconf.yaml": "project: q\n",
    "other/e.yaml": "e",
    "other/below/f.yaml": "f",
}
VISIBLE = ["a.yaml", "deep/er/b.yml", "ldconf.yaml", "prompts/x.md"]


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def reason(tree: Folder | GitTree, path: str) -> str:
    with pytest.raises(Unreadable) as caught:
        tree.read(path)
    assert str(caught.value) == f"{path} {caught.value.reason}"
    return caught.value.reason


def test_folder_leaves_out_hidden_files_and_other_workspaces(tmp_path: Path) -> None:
    write(tmp_path, FILES)

    assert Folder(tmp_path).paths() == VISIBLE


def test_commit_leaves_out_the_same(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    commit = repository.commit({f"configs/{name}": text for name, text in FILES.items()})

    assert GitTree(tmp_path, commit, "configs").paths() == VISIBLE


def test_workspace_at_the_root_of_the_repository(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    commit = repository.commit(FILES)

    for prefix in ("", "."):
        tree = GitTree(tmp_path, commit, prefix)
        assert tree.paths() == VISIBLE
        assert tree.read("prompts/x.md") == b"x"


def test_folder_does_not_follow_linked_folders(tmp_path: Path) -> None:
    write(tmp_path / "w", {"ldconf.yaml": "", "a.yaml": ""})
    write(tmp_path / "elsewhere", {"b.yaml": ""})
    (tmp_path / "w/linked").symlink_to(tmp_path / "elsewhere")

    assert Folder(tmp_path / "w").paths() == ["a.yaml", "ldconf.yaml", "linked"]


def test_folder_that_is_reached_by_a_link_is_read(tmp_path: Path) -> None:
    write(tmp_path / "w", {"ldconf.yaml": "", "a.yaml": "a"})
    (tmp_path / "link").symlink_to(tmp_path / "w")

    assert Folder(tmp_path / "link").read("a.yaml") == b"a"


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LdconfError, match="cannot read the folder"):
        Folder(tmp_path / "nothing").paths()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folder_that_may_not_be_listed_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "", "closed/b.yaml": ""})
    (tmp_path / "closed").chmod(0)

    assert Folder(tmp_path).paths() == ["a.yaml"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("nothing.md", "does not exist"),
        ("a.md/x.md", "does not exist"),
        ("folder", "is a folder"),
        ("fifo", "is not a regular file"),
        ("link.md", "is a symbolic link, which is not followed"),
        ("linked/x.md", "lies behind a symbolic link, which is not followed"),
        ("big.md", "is too large: 10,000,000 bytes, the limit is 10,000,000"),
        ("pointer.md", "is a Git LFS pointer, not the file itself"),
        ("x" * 300, "cannot be read: file name too long"),
    ],
)
def test_unreadable_in_a_folder(tmp_path: Path, path: str, expected: str) -> None:
    write(tmp_path, {"a.md": "a", "folder/x.md": "x", "pointer.md": LFS})
    (tmp_path / "big.md").write_bytes(b"x" * 10_000_000)
    (tmp_path / "link.md").symlink_to("a.md")
    (tmp_path / "linked").symlink_to("folder")
    os.mkfifo(tmp_path / "fifo")

    assert reason(Folder(tmp_path), path) == expected


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("nothing.md", "does not exist"),
        ("a.md/x.md", "does not exist"),
        ("folder", "is a folder"),
        ("link.md", "is a symbolic link, which is not followed"),
        ("linked/x.md", "lies behind a symbolic link, which is not followed"),
        ("big.md", "is too large: 10,000,000 bytes, the limit is 10,000,000"),
        ("pointer.md", "is a Git LFS pointer, not the file itself"),
        ("../../x.md", "lies outside of the repository"),
        ("sub/x.md", "lies in a submodule"),
    ],
)
def test_unreadable_at_a_commit(links: GitTree, path: str, expected: str) -> None:
    assert reason(links, path) == expected


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    """Return a commit full of what cannot be read."""
    repository = Repository(tmp_path_factory.mktemp("links") / "r")
    first = repository.commit(
        {"w/a.md": "a", "w/folder/x.md": "x", "w/pointer.md": LFS, "w/big.md": b"x" * 10_000_000}
    )
    (repository.root / "w/link.md").symlink_to("a.md")
    (repository.root / "w/linked").symlink_to("folder")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{first},w/sub")
    repository.git("add", "w/link.md", "w/linked")
    repository.git("commit", "-q", "-m", "links")

    return GitTree(repository.root, repository.git("rev-parse", "HEAD"), "w")


def test_commit_is_read_not_the_working_tree(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    commit = repository.commit({"w/ldconf.yaml": "", "w/a.yaml": "before", "shared/s.md": "s"})
    repository.write({"w/a.yaml": "after", "w/b.yaml": "new"})

    tree = GitTree(tmp_path, commit, "w")

    assert tree.paths() == ["a.yaml", "ldconf.yaml"]
    assert tree.read("a.yaml") == b"before"
    assert tree.read("../shared/s.md") == b"s"
    tree.close()


def test_odd_names_and_contents_survive_git(tmp_path: Path) -> None:
    name, content = "w/a b\té\n.md", b"\x00\xff\r\n\n\n"
    commit = Repository(tmp_path).commit({name: content, "w/empty.md": b""})

    tree = GitTree(tmp_path, commit, "w")

    assert tree.read(name[2:]) == content
    assert tree.read("empty.md") == b""
    assert tree.read(name[2:]) == content


def test_object_that_is_not_in_the_clone_is_unreadable(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    commit = repository.commit({"a.md": "a"})
    blob = repository.git("rev-parse", "HEAD:a.md")
    tree = GitTree(tmp_path, commit, "")
    assert tree.paths() == ["a.md"]
    (tmp_path / ".git/objects" / blob[:2] / blob[2:]).unlink()

    assert reason(tree, "a.md") == "is not in this clone; run `git fetch --refetch`"


def test_base_is_the_workspace_at_the_same_path(tmp_path: Path) -> None:
    commit = Repository(tmp_path).commit(
        {"a/ldconf.yaml": "project: p\n", "b/ldconf.yaml": "project: p\n"}
    )

    found = find_base(tmp_path, commit, "a", "p")

    assert found is not None
    assert found.prefix == "a"


def test_base_of_a_moved_workspace_is_found_by_its_project(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    commit = repository.commit({"a/ldconf.yaml": "project: p\n", "q/ldconf.yaml": "project: q\n"})
    repository.git("mv", "a", "b")

    found = find_base(tmp_path, commit, "b", "p")

    assert found is not None
    assert found.prefix == "a"


def test_base_of_a_second_workspace_is_not_the_first(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    commit = repository.commit({"a/ldconf.yaml": "project: p\n"})
    repository.write({"b/ldconf.yaml": "project: p\n"})

    assert find_base(tmp_path, commit, "b", "p") is None


def test_no_workspace_of_the_project_is_no_base(tmp_path: Path) -> None:
    commit = Repository(tmp_path).commit({"b/ldconf.yaml": "project: q\n", "x.md": ""})

    assert find_base(tmp_path, commit, "b", "p") is None


def test_two_moved_workspaces_are_ambiguous(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    commit = repository.commit({"a/ldconf.yaml": "project: p\n", "b/ldconf.yaml": "project: p\n"})
    repository.git("rm", "-rq", "a", "b")

    with pytest.raises(LdconfError, match="several workspaces of project p were moved"):
        find_base(tmp_path, commit, "c", "p")


@pytest.mark.parametrize("content", ["project: [", "- x\n", "project: 1\n"])
def test_broken_settings_at_the_same_path_are_the_base(tmp_path: Path, content: str) -> None:
    commit = Repository(tmp_path).commit({"a/ldconf.yaml": content})

    found = find_base(tmp_path, commit, "a", "p")

    assert found is not None
    assert found.prefix == "a"


def test_unreadable_settings_elsewhere_are_no_base(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write({"a/real.yaml": "project: p\n"})
    (tmp_path / "a/ldconf.yaml").symlink_to("real.yaml")
    commit = repository.commit({})
    repository.git("rm", "-rq", "a")

    assert find_base(tmp_path, commit, "b", "p") is None


def test_git_that_is_gone_makes_files_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Repository(tmp_path).commit({"a.md": "a"})
    tree = GitTree(tmp_path, commit, "")
    assert tree.paths() == ["a.md"]
    tree.close()
    monkeypatch.setenv("PATH", "")

    assert reason(tree, "a.md") == "cannot be read from git"
