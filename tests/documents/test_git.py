from __future__ import annotations

from pathlib import Path

import pytest

from ldconf.core.errors import LdconfError
from ldconf.documents import git
from tests.documents.trees import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "r")


def shallow(repository: Repository, to: Path) -> Path:
    """Return a clone of depth 1, as CI makes it."""
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.root}", str(to))
    return to


def test_top_level_of_a_folder_below(repository: Repository) -> None:
    repository.write({"a/b/x": ""})

    assert git.top_level(repository.root / "a/b") == repository.root.resolve()


def test_outside_of_git_there_is_no_top_level(tmp_path: Path) -> None:
    assert git.top_level(tmp_path) is None


def test_bare_repository_has_no_working_tree(tmp_path: Path) -> None:
    bare = Repository(tmp_path / "r")
    bare.git("config", "core.bare", "true")

    assert git.top_level(bare.root) is None


def test_broken_repository_is_an_error_not_an_absence(repository: Repository) -> None:
    (repository.root / ".git/config").write_text("[core\n")

    with pytest.raises(LdconfError, match="git cannot read the repository: bad config"):
        git.top_level(repository.root)


def test_variables_of_hooks_do_not_mislead(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit({"a/x": ""})
    monkeypatch.setenv("GIT_DIR", ".git")

    assert git.top_level(repository.root / "a") == repository.root.resolve()
    assert git.head(repository.root / "a") == commit


def test_without_the_program_there_is_no_repository(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    assert git.top_level(repository.root) is None
    with pytest.raises(LdconfError, match="`git` cannot be started"):
        git.head(repository.root)


def test_refs_are_resolved(repository: Repository) -> None:
    first = repository.commit({"x": "1"})
    second = repository.commit({"x": "2"})
    repository.git("tag", "-a", "v1", "-m", "v1", first)

    assert git.resolve(repository.root, "HEAD") == second
    assert git.resolve(repository.root, "HEAD~1") == first
    assert git.resolve(repository.root, "v1") == first
    assert git.head(repository.root) == second


def test_head_before_the_first_commit(repository: Repository) -> None:
    assert git.head(repository.root) is None


@pytest.mark.parametrize("ref", ["nothing", "--help", "", "HEAD:x"])
def test_unknown_ref_is_an_error_with_a_way_out(repository: Repository, ref: str) -> None:
    repository.commit({"x": ""})

    with pytest.raises(LdconfError, match="cannot be resolved") as caught:
        git.resolve(repository.root, ref)

    assert caught.value.hint is not None
    assert "fetch-depth: 0" in caught.value.hint


def test_commit_without_its_tree_is_an_error(repository: Repository) -> None:
    repository.commit({"x": ""})
    tree = repository.git("rev-parse", "HEAD^{tree}")
    (repository.root / ".git/objects" / tree[:2] / tree[2:]).unlink()

    with pytest.raises(LdconfError, match="the commit of 'HEAD' is not in this clone"):
        git.resolve(repository.root, "HEAD")


def test_shallow_clone_names_the_fetch_depth(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit({"x": "1"})
    repository.commit({"x": "2"})
    clone = shallow(repository, tmp_path / "clone")

    for question in (
        lambda: git.resolve(clone, first),
        lambda: git.resolve(clone, "HEAD~1"),
        lambda: git.is_ancestor(clone, first, "HEAD"),
        lambda: git.merge_base(clone, first, "HEAD"),
    ):
        with pytest.raises(LdconfError) as caught:
            question()
        assert caught.value.hint is not None
        assert "this clone is shallow" in caught.value.hint
        assert "fetch-depth: 0" in caught.value.hint


def test_shallow_clone_does_not_deny_what_it_cannot_see(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"x": "1"})
    repository.git("checkout", "-q", "-b", "other")
    repository.commit({"y": "1"})
    repository.git("checkout", "-q", "main")
    repository.commit({"x": "2"})
    clone = shallow(repository, tmp_path / "clone")
    fetch = Repository.__new__(Repository)
    fetch.root = clone
    fetch.git("fetch", "-q", "--depth", "1", "origin", "other")

    for question in (git.is_ancestor, git.merge_base):
        with pytest.raises(LdconfError, match="shallow clone") as caught:
            question(clone, "FETCH_HEAD", "HEAD")
        assert caught.value.hint is not None
        assert "fetch-depth: 0" in caught.value.hint


def test_merge_base_and_ancestors(repository: Repository) -> None:
    first = repository.commit({"x": "1"})
    repository.git("checkout", "-q", "-b", "topic")
    topic = repository.commit({"y": "1"})
    repository.git("checkout", "-q", "main")
    second = repository.commit({"x": "2"})

    assert git.merge_base(repository.root, "main", "topic") == first
    assert git.is_ancestor(repository.root, first, topic)
    assert git.is_ancestor(repository.root, topic, topic)
    assert not git.is_ancestor(repository.root, topic, second)


def test_unrelated_histories_have_no_merge_base(repository: Repository) -> None:
    repository.commit({"x": "1"})
    repository.git("checkout", "-q", "--orphan", "other")
    repository.commit({"y": "1"})

    assert git.merge_base(repository.root, "main", "other") is None


def test_first_parents_leave_out_merged_commits(repository: Repository) -> None:
    first = repository.commit({"x": "1"})
    repository.git("checkout", "-q", "-b", "topic")
    repository.commit({"y": "1"})
    repository.git("checkout", "-q", "main")
    second = repository.commit({"x": "2"})
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    merge = repository.git("rev-parse", "HEAD")

    assert git.first_parents(repository.root, first, "HEAD") == (merge, second)
    assert git.first_parents(repository.root, merge, "HEAD") == ()


def test_failing_git_is_quoted(repository: Repository) -> None:
    with pytest.raises(LdconfError, match="git rev-list: bad revision 'nope'"):
        git.first_parents(repository.root, "nope", "nope")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, False),
        ({"w/a.yaml": "2"}, True),
        ({"w/prompt.md": "2"}, True),
        ({"w/new.yaml": ""}, True),
        ({"w/ignored.yaml": ""}, True),
        ({"w/plan.json": ""}, False),
        ({"w/.cache/x.yaml": ""}, False),
        ({"elsewhere/x.yaml": ""}, False),
    ],
)
def test_dirty_is_what_documents_say(
    repository: Repository, change: dict[str, str], expected: bool
) -> None:
    repository.commit({"w/a.yaml": "1", "w/prompt.md": "1", ".gitignore": "ignored.yaml\n"})
    repository.write(change)

    assert git.is_dirty(repository.root, repository.root / "w") is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"w/notes.md": "2"}, False),
        ({"w/prompt.md": "2"}, True),
        ({"w/new.yaml": ""}, False),
        ({"w/generated/g.yaml": ""}, True),
    ],
)
def test_dirty_is_what_was_read(
    repository: Repository, change: dict[str, str], expected: bool
) -> None:
    root = repository.root / "w"
    repository.commit(
        {"w/a.yaml": "1", "w/notes.md": "1", "w/prompt.md": "1", ".gitignore": "generated/\n"}
    )
    repository.write(change)
    read = [root / name for name in ("a.yaml", "prompt.md", "generated/g.yaml")]

    assert git.is_dirty(repository.root, root, read=read) is expected


def test_deleted_document_is_dirty(repository: Repository) -> None:
    repository.commit({"w/a.yaml": "1", "w/b.yaml": "1"})
    (repository.root / "w/b.yaml").unlink()

    assert git.is_dirty(repository.root, repository.root / "w", read=[repository.root / "w/a.yaml"])


@pytest.mark.parametrize(
    ("project", "workspace", "expected"),
    [
        ("pet-store", "configs", "refs/ldconf/applied/pet-store/configs"),
        ("pet-store", "a/b/c", "refs/ldconf/applied/pet-store/a--b--c"),
        ("pet-store", "", "refs/ldconf/applied/pet-store/_root"),
        ("pet-store", ".", "refs/ldconf/applied/pet-store/_root"),
        ("p", "my configs", "refs/ldconf/applied/p/my%20configs"),
        ("p", "x.lock", "refs/ldconf/applied/p/x%2Elock"),
        ("p", "a..b", "refs/ldconf/applied/p/a.%2Eb"),
        ("p", "x.", "refs/ldconf/applied/p/x%2E"),
        ("p", ".x", "refs/ldconf/applied/p/%2Ex"),
    ],
)
def test_name_of_the_applied_ref(
    repository: Repository, project: str, workspace: str, expected: str
) -> None:
    name = git.workspace_ref_name(project, workspace)

    assert name == expected
    repository.git("check-ref-format", name)
