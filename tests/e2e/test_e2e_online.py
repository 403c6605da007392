"""Rules that only hold against an account that is not this machine's (design section 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from ldconf.api.client import Client
from ldconf.core.errors import RefusedError, StalePlanError, UsageError
from ldconf.core.kind import Request
from ldconf.core.outcome import Applied, Outcome
from ldconf.emulator.app import create_app
from ldconf.emulator.seed import seed
from ldconf.emulator.store import Store
from ldconf.settings import Connection
from ldconf.workflow.apply import ApplyWish, Done, apply_plan, read_reviewed
from ldconf.workflow.plan import Planned, PlanWish, make_plan
from ldconf.workflow.site import Site, settings_of
from tests.e2e.world import PROJECT, TEST, VARIATION, World


@dataclass
class Caller:
    """Answers the question of apply; `meanwhile` runs while the person thinks."""

    answer: bool = True
    meanwhile: Callable[[], Any] = lambda: None
    progress: None = None
    shown: list[Planned] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def show(self, found: Planned) -> None:
        self.shown.append(found)

    def agrees(self) -> bool:
        self.meanwhile()
        return self.answer

    def tell(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


@dataclass
class Account:
    """A local LaunchDarkly that looks like the real host."""

    world: World
    connection: Connection

    @property
    def site(self) -> Site:
        return Site(self.world.root, self.connection, settings_of(self.world.root))

    def plan(self, **wish: Any) -> Planned:
        return anyio.run(make_plan, self.site, PlanWish(**wish))

    def apply(self, caller: Caller | None = None, base: str | None = None, **wish: Any) -> Done:
        whole = ApplyWish(PlanWish(base=base), **wish)
        return anyio.run(apply_plan, self.site, whole, caller or Caller())

    def first_apply(self) -> None:
        digest = self.plan(base="none").plan.digest
        assert len(self.apply(base="none", reviewed=(digest,)).outcomes) == 15

    async def send(self, request: Request) -> Any:
        found = self.connection
        async with Client(found.host, found.token, app=found.app) as client:
            return await client.send(request)


@pytest.fixture
def account(world: World) -> Iterator[Account]:
    world.commit("Pet Store Agent")
    store = Store(None)
    seed(store, PROJECT, ("test", "production"))
    app = create_app(store, any_host=True)
    yield Account(world, Connection("https://app.launchdarkly.com", SecretStr("api-1"), app))
    store.close()


def test_without_base_and_terminal_nothing_is_applied(account: Account) -> None:
    for base in (None, "none"):
        with pytest.raises(RefusedError, match="there is no base"):
            account.apply(base=base, yes=True)


def test_first_apply_goes_by_digest(account: Account) -> None:
    digest = account.plan(base="none").plan.digest
    with pytest.raises(RefusedError):
        account.apply(reviewed=(digest,))
    done = account.apply(base="none", reviewed=(digest,))
    assert len(done.outcomes) == 15
    assert all(isinstance(outcome, Applied) for outcome in done.outcomes)


def test_first_apply_on_a_terminal_asks(account: Account) -> None:
    assert account.apply(Caller(answer=False), is_terminal=True).declined
    assert len(account.apply(Caller(), is_terminal=True).outcomes) == 15


def test_with_a_base_yes_is_enough(account: Account) -> None:
    account.first_apply()
    account.world.edit("name: Base config", "name: Basis")
    account.world.commit("rename")
    assert len(account.apply(base="HEAD~1", yes=True).outcomes) == 1


def test_objects_that_the_base_knows_and_nobody_has_are_not_made_again(account: Account) -> None:
    done = account.apply(base="HEAD", yes=True)
    assert done.outcomes == ()
    assert len(done.planned.plan.drift) == 11  # variations and targeting go with theirs


def test_nobody_asked_is_a_usage_error(account: Account) -> None:
    with pytest.raises(UsageError, match="no terminal"):
        account.apply(base="HEAD")


def test_uncommitted_files_are_applied_on_a_terminal_only(account: Account) -> None:
    account.first_apply()
    account.world.edit("name: Base config", "name: Basis")
    with pytest.raises(RefusedError, match="differ from HEAD"):
        account.apply(base="HEAD", yes=True)
    assert account.apply(base="HEAD", yes=True, is_terminal=True).outcomes


def test_move_while_the_person_reads_is_not_overwritten(account: Account) -> None:
    account.first_apply()
    account.world.edit("name: Base config", "name: Basis")

    def rename() -> None:
        request = Request("PATCH", VARIATION, {"name": "By hand"})
        with anyio.from_thread.start_blocking_portal() as portal:
            portal.call(account.send, request)

    with pytest.raises(StalePlanError):
        account.apply(Caller(meanwhile=rename), base="none", is_terminal=True)


CONSENT = f"""
consents:
  - {{address: {TEST}, allow: [protected], because: INC-1234}}
"""


@pytest.fixture
def guarded(account: Account) -> Account:
    """Applied; then the targeting of test is protected, changed, and the change consented to."""
    account.first_apply()
    world = account.world
    world.edit("guards:", f"guards:\n  protect: [{TEST}]", "ldconf.yaml")
    world.git("tag", "base", world.commit("protect"))
    world.edit("model-variant-2: rest", "model-variant-2: 10, disabled: rest")
    (world.root / "consents.yaml").write_text(CONSENT)
    world.commit("change with consent")
    return account


def test_consent_in_the_files_counts_in_a_plan(guarded: Account) -> None:
    plan = guarded.plan(base="base").plan
    assert not plan.refusals
    assert [use.because for use in plan.consents] == ["INC-1234"]


def test_consent_that_nobody_saw_lifts_nothing(guarded: Account) -> None:
    done = guarded.apply(base="base", yes=True)
    assert [refusal.guard for refusal in done.planned.plan.refusals] == ["protected"]
    assert done.outcomes == ()


def test_consent_in_a_reviewed_plan_lifts_the_guard(guarded: Account) -> None:
    path = guarded.world.root.parent / "plan.json"
    path.write_text(guarded.plan(base="base").file)
    done = guarded.apply(base="base", reviewed=(read_reviewed(str(path)),))
    assert [type(outcome) for outcome in done.outcomes] == [Applied]


def test_consent_seen_on_the_terminal_lifts_the_guard(guarded: Account) -> None:
    done = guarded.apply(base="base", is_terminal=True)
    assert [type(outcome) for outcome in done.outcomes] == [Applied]
    assert done.planned.plan.consents
