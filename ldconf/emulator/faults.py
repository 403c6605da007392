"""The traps of the real API as switches (reference 19 and 22). Everything is off by default."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

TEXTS = Literal["everywhere", "config-only", "nowhere"]


class Drop(Enum):
    """A connection that breaks: before the request had its effect, or after it."""

    BEFORE = "drop-before"
    AFTER = "drop-after"


class ConnectionDropped(ConnectionError):
    """What an in-process caller gets instead of an answer; over a socket, the socket closes."""


@dataclass
class Injection:
    """One planned failure: `failure` is a status to answer (500, 429, 401 ...) or a `Drop`.

    It meets the requests that match all of `at` (index since `Faults.requests` was 0), `method` and
    `path` (a glob over the path below `/api/v2`), at most `times` times.
    """

    failure: int | Drop
    at: int | None = None
    method: str | None = None
    path: str = "*"
    times: int = 1

    def meets(self, index: int, method: str, path: str) -> bool:
        """True if this request is to fail."""
        return (
            self.times > 0
            and self.at in (None, index)
            and self.method in (None, method)
            and fnmatch.fnmatchcase(path, self.path)
        )


@dataclass
class Faults:
    """Switches of one local LaunchDarkly; change them at any time.

    Rates (windows of ten seconds; None: no limit):
        global_limit, route_limit, token_limit   answer 429 beyond this many requests
        throttle_next       so many of the next requests answer 429 whatever the limits
        reset_in_past       `X-Ratelimit-Reset` of every second 429 lies in the past (Q23)
        retry_after_s       429 answers carry `Retry-After` (IP-based limits)
        disguise_429        creates of AI Configs and variations answer 400 instead of 429 (Q1)
    Reads:
        stale_reads         a variation GET shows the previous version for so many reads (Q7)
        hidden_reads        a new variation is missing from targeting for so many reads (U5)
        texts               where `instructions` and `description` of variations are returned (U14)
        omit_empty_texts    an empty text of a variation is left out instead of returned as ""
        list_texts, list_tools, get_tools   False: the list, or the variation GET, leaves them out
        scramble            variation versions come in random order
        approvals_feature   False: environments show no approval settings (2.2)
    Writes:
        optimistic_conflicts  so many of the next metric, segment and experiment writes answer 409
        transient_delete    the first DELETE of each AI Config answers 400 (Q5)
        duplicate_status    status for a key that exists already: 409 or 400 (U16)
        create_loses_texts  a variation POST neither keeps nor returns its texts (4.6)
        default_maintainer  an AI Config made without a maintainer gets the calling member (3.4)
        prefix_metric_keys  `evaluationMetricKey` comes back as `$ld:ai:judge:NAME` (U25)
    Experiments:
        experiments_on_ai_configs  False: the key of an AI Config is refused in `flags` (U6)
        locked_status       status for a field that may not change now: 400, 409 or 422 (U11)
        whole_audience      allocations below 100 in total are scaled up to it without a word
        full_audience_only  allocations that do not add up to 100 are refused (13.2)
        rescaled_thresholds thresholds of `analysisConfig` come back as shares of one (U9)
        flag_version        which `_version` of targeting `flagConfigVersion` has to be (U7)
        own_treatment_ids   treatments have ids of their own, not those of their variations (13.5)
        refused_expand      values of `expand` that experiments do not know (400)
        stopped_serves      what a stop leaves in targeting: the winner, or the split as a rollout
    Transport:
        latency_s           every answer takes this long
        inject(...)         single planned failures
    """

    global_limit: int | None = None
    route_limit: int | None = None
    token_limit: int | None = None
    throttle_next: int = 0
    reset_in_past: bool = False
    retry_after_s: int | None = None
    disguise_429: bool = False

    stale_reads: int = 0
    hidden_reads: int = 0
    texts: TEXTS = "everywhere"
    omit_empty_texts: bool = False
    list_texts: bool = True
    list_tools: bool = True
    get_tools: bool = True
    scramble: bool = True
    approvals_feature: bool = True

    optimistic_conflicts: int = 0
    transient_delete: bool = False
    duplicate_status: int = 409
    create_loses_texts: bool = False
    default_maintainer: bool = True
    prefix_metric_keys: bool = False

    experiments_on_ai_configs: bool = True
    locked_status: int = 400
    whole_audience: bool = False
    full_audience_only: bool = False
    rescaled_thresholds: bool = False
    flag_version: Literal["environment", "document"] = "environment"
    own_treatment_ids: bool = False
    refused_expand: frozenset[str] = frozenset()
    stopped_serves: Literal["winner", "split"] = "winner"

    latency_s: float = 0.0
    injections: list[Injection] = field(default_factory=list)
    requests: int = 0  # seen so far; set to 0 to count afresh
    _delays: Counter[Hashable] = field(default_factory=Counter, repr=False)
    _deletes_tried: set[Hashable] = field(default_factory=set, repr=False)

    def inject(
        self,
        failure: int | Drop,
        *,
        at: int | None = None,
        method: str | None = None,
        path: str = "*",
        times: int = 1,
    ) -> None:
        """Plan a failure, see `Injection`."""
        self.injections.append(Injection(failure, at, method, path, times))

    def next_failure(self, method: str, path: str) -> int | Drop | None:
        """Count one request; return how it is to fail, or None."""
        index = self.requests
        self.requests += 1
        for injection in self.injections:
            if injection.meets(index, method, path):
                injection.times -= 1
                return injection.failure
        return None

    def delay(self, subject: Hashable, reads: int) -> None:
        """Hide the newest of `subject` for so many reads."""
        self._delays[subject] = reads

    def is_delayed(self, subject: Hashable) -> bool:
        """True if this read does not show the newest of `subject` yet; counts the read."""
        if self._delays[subject] <= 0:
            return False
        self._delays[subject] -= 1
        return True

    def is_first_delete(self, subject: Hashable) -> bool:
        """True if `transient_delete` makes this DELETE fail."""
        if not self.transient_delete or subject in self._deletes_tried:
            return False
        self._deletes_tried.add(subject)
        return True

    def take_conflict(self) -> bool:
        """True if `optimistic_conflicts` makes this write fail."""
        if self.optimistic_conflicts <= 0:
            return False
        self.optimistic_conflicts -= 1
        return True
