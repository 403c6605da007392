from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.workspace import Workspace
from ldconf.workflow.base import Base, find_base, history, workspace_name
from ldconf.workflow.site import load_workspace

TOOL = Address.of("tools", "search")
REF = "refs/ldconf/applied/shop/configs"


@dataclass
class Repo:
    """A git repository with a workspace in `configs`, one tool whose description says the state."""

    top: Path

    @property
    def root(self) -> Path:
        return self.top / "configs"

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        command = ["git", *identity, *words]
        done = subprocess.run(command, cwd=self.top, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, description: str, folder: str = "configs") -> None:
        root = self.top / folder
        root.mkdir(exist_ok=True)
        (root / "ldconf.yaml").write_text("project: shop\nenvironments: [test]\n")
        text = f"tools: {{search: {{description: {description}, schema: {{type: object}}}}}}\n"
        (root / "tools.yaml").write_text(text)

    def commit(self, description: str | None = None) -> str:
        if description is not None:
            self.write(description)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", description or "empty")
        return self.git("rev-parse", "HEAD")

    def base(self, wanted: str | None = None, **env: str) -> Base:
        workspace, _ = load_workspace(self.root)
        return find_base(self.root, workspace, wanted, env)

    def history(self, base: Base) -> list[str]:
        workspace, _ = load_workspace(self.root)
        return [said(found) for found in history(base, workspace)]


def said(workspace: Workspace | None) -> str:
    assert workspace is not None
    return str(workspace.resources[TOOL].managed()["description"])


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path)
    repo.git("init", "-q", "-b", "main")
    repo.commit("one")
    return repo


def test_named_base_is_read_from_git(repo: Repo) -> None:
    repo.write("two")
    base = repo.base("HEAD")
    assert said(base.workspace) == "one"
    assert base.name == f"{repo.git('rev-parse', 'HEAD')[:12]} (HEAD)"
    assert base.repository is not None
    assert base.repository.dirty


def test_default_branch_without_applied_ref_has_no_base(repo: Repo) -> None:
    assert repo.base().workspace is None


def test_applied_ref_is_the_base(repo: Repo) -> None:
    repo.git("update-ref", REF, repo.commit("two"))
    repo.commit("three")
    base = repo.base()
    assert said(base.workspace) == "two"
    assert base.name is not None
    assert base.name.endswith("(applied last)")
    assert workspace_name(base.repository, "shop") == "configs"


def test_none_is_no_base(repo: Repo) -> None:
    repo.git("update-ref", REF, "HEAD")
    base = repo.base("none")
    assert base.workspace is None
    assert base.repository is not None


def test_base_that_is_no_ancestor_is_an_error(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "other")
    other = repo.commit("other")
    repo.git("checkout", "-q", "main")
    repo.commit("two")
    with pytest.raises(LdconfError, match="no ancestor of HEAD"):
        repo.base("other")
    repo.git("update-ref", REF, other)
    with pytest.raises(LdconfError, match="no ancestor of HEAD"):
        repo.base()


def test_unknown_base_names_the_depth(repo: Repo) -> None:
    with pytest.raises(LdconfError) as error:
        repo.base("v9")
    assert "fetch-depth: 0" in (error.value.hint or "")


@pytest.fixture
def pull_request(repo: Repo) -> Repo:
    """main: one, two; branch off `two`: three."""
    repo.commit("two")
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit("three")
    return repo


def test_pull_request_without_applied_ref_takes_the_merge_base(pull_request: Repo) -> None:
    base = pull_request.base(GITHUB_BASE_REF="main")
    assert said(base.workspace) == "two"
    assert base.merged is None


def test_pull_request_takes_the_remote_branch_first(pull_request: Repo) -> None:
    pull_request.git("update-ref", "refs/remotes/origin/main", "main~1")
    assert said(pull_request.base(GITHUB_BASE_REF="main").workspace) == "one"


def test_pull_request_with_older_applied_ref_knows_what_is_merged(pull_request: Repo) -> None:
    pull_request.git("update-ref", REF, "main~1")
    base = pull_request.base(GITHUB_BASE_REF="main")
    assert said(base.workspace) == "one"
    assert said(base.merged) == "two"


def test_applied_ref_beyond_the_merge_base_is_not_taken(pull_request: Repo) -> None:
    pull_request.git("update-ref", REF, "HEAD")
    assert said(pull_request.base(GITHUB_BASE_REF="main").workspace) == "two"


def test_pull_request_whose_base_branch_is_missing_names_the_depth(pull_request: Repo) -> None:
    with pytest.raises(LdconfError) as error:
        pull_request.base(GITHUB_BASE_REF="gone")
    assert "fetch-depth: 0" in (error.value.hint or "")


def test_pull_request_without_common_history(repo: Repo) -> None:
    repo.git("checkout", "-q", "--orphan", "island")
    repo.commit("island")
    with pytest.raises(LdconfError, match="no common ancestor"):
        repo.base(GITHUB_BASE_REF="main")


def test_outside_of_git_there_is_no_base(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    repo.write("one")
    assert repo.base() == Base()
    with pytest.raises(UsageError, match="no git repository"):
        repo.base("HEAD")


def test_before_the_first_commit_there_is_no_base(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    repo.git("init", "-q")
    repo.write("one")
    assert repo.base().workspace is None


def test_commit_without_the_workspace_is_an_empty_base(repo: Repo) -> None:
    repo.git("rm", "-q", "-r", "configs")
    empty = repo.commit()
    repo.commit("back")
    base = repo.base(empty)
    assert base.workspace is not None
    assert base.workspace.resources == {}


def test_workspace_that_moved_is_found_by_its_project(repo: Repo) -> None:
    repo.git("rm", "-q", "-r", "configs")
    repo.write("elsewhere", "prompts")
    old = repo.commit()
    repo.git("rm", "-q", "-r", "prompts")
    repo.commit("here")
    assert said(repo.base(old).workspace) == "elsewhere"


def test_history_holds_the_commits_that_touched_the_files_newest_first(repo: Repo) -> None:
    base = repo.git("rev-parse", "HEAD")
    repo.commit("two")
    (repo.top / "README").write_text("x")
    repo.commit()
    repo.commit("three")
    assert repo.history(repo.base(base)) == ["three", "two"]


def test_without_base_there_is_no_history(repo: Repo) -> None:
    assert repo.history(repo.base("none")) == []


def test_base_whose_settings_do_not_load_is_an_error_that_names_it(repo: Repo) -> None:
    (repo.root / "ldconf.yaml").write_text("project: shop\nenvironments: test\n")
    broken = repo.commit()
    repo.commit("mended")
    with pytest.raises(LdconfError, match=f"ldconf.yaml at the base {broken[:12]} does not load"):
        repo.base(broken)


def test_shared_folder_is_part_of_the_history(repo: Repo) -> None:
    base = repo.git("rev-parse", "HEAD")
    (repo.top / "shared").mkdir()
    repo.write("two")
    (repo.root / "ldconf.yaml").write_text(
        "project: shop\nenvironments: [test]\nshared: ../shared\n"
    )
    repo.commit()
    (repo.top / "shared" / "prompt.md").write_text("x")
    repo.commit()
    assert repo.history(repo.base(base)) == ["two", "two"]
