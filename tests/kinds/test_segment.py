from __future__ import annotations

import pytest
from pydantic import ValidationError

from ldconf.core.address import segment
from ldconf.core.resource import Json
from ldconf.kinds.segment import SEGMENT, Segment, observed
from tests.kinds import fakes
from tests.kinds.official import accepts

PREMIUM = segment("premium", "test")
PATH = "/segments/pets/test/premium"
CLAUSE: Json = {
    "contextKind": "user",
    "attribute": "plan",
    "op": "in",
    "negate": False,
    "values": ["gold"],
}
PAYLOAD: Json = {
    "key": "premium",
    "name": "Premium",
    "description": "Those who pay",
    "tags": ["sales"],
    "creationDate": 1_700_000_000_000,
    "lastModifiedDate": 1_700_000_000_000,
    "included": ["u2", "u1"],
    "excluded": [],
    "includedContexts": [
        {"contextKind": "organization", "values": ["acme"]},
        {"contextKind": "device", "values": ["d2", "d1"]},
    ],
    "excludedContexts": [],
    "rules": [
        {
            "_id": "r1",
            "clauses": [{**CLAUSE, "_id": "c1"}],
            "weight": 33333,
            "rolloutContextKind": "organization",
            "bucketBy": "key",
            "description": "A third",
        },
        {"_id": "r2", "clauses": [{**CLAUSE, "_id": "c2", "values": ["silver"]}]},
    ],
    "version": 5,
    "deleted": False,
    "generation": 1,
    "_links": {},
    "_flags": [],
}
RULES: Json = [
    {
        "description": "A third",
        "clauses": [CLAUSE],
        "weight": 33.333,
        "rolloutContextKind": "organization",
    },
    {"clauses": [{**CLAUSE, "values": ["silver"]}]},
]


def test_payload_is_projected_to_canonical_fields():
    assert observed(PAYLOAD).resource.managed() == {
        "name": "Premium",
        "description": "Those who pay",
        "tags": ["sales"],
        "included": ["u1", "u2"],
        "excluded": None,
        "includedContexts": [
            {"contextKind": "device", "values": ["d1", "d2"]},
            {"contextKind": "organization", "values": ["acme"]},
        ],
        "excludedContexts": None,
        "rules": RULES,
    }
    assert observed(PAYLOAD).version == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unbounded": True}, "big segment"),
        ({"unbounded": True, "_external": "amplitude"}, "synced segment (amplitude)"),
        ({"rules": [{"_id": "r", "clauses": []}]}, "rules.0.clauses: "),
        ({"included": ["u1"], "excluded": ["u1"]}, "user 'u1' is both included and excluded"),
    ],
    ids=["big", "synced", "empty rule", "both"],
)
def test_what_files_cannot_say_is_marked(change: Json, words: str):
    assert observed({**PAYLOAD, **change}).meta["unsupported"].startswith(words)


# Members


def test_users_among_contexts_are_users():
    live = observed({"key": "k", "includedContexts": [{"contextKind": "user", "values": ["u1"]}]})
    written = Segment.model_validate({"included": ["u1"], "includedContexts": []})
    assert fakes.differences(live.resource, written) == ()


def test_users_among_contexts_of_a_file_are_refused():
    entry = {"contextKind": "user", "values": ["u2"]}
    with pytest.raises(ValidationError, match="belong under `included` or `excluded`"):
        Segment.model_validate({"excludedContexts": [entry]})


def test_entries_of_one_kind_are_merged():
    entries = [
        {"contextKind": "device", "values": ["b"]},
        {"contextKind": "device", "values": ["a"]},
    ]
    written = Segment.model_validate({"includedContexts": entries})
    assert written.managed()["includedContexts"] == [
        {"contextKind": "device", "values": ["a", "b"]}
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"included": ["a", 1]}, "included.1"),
        ({"included": 3}, "included"),
        ({"includedContexts": [{"values": ["a"]}]}, "Field required"),
        ({"includedContexts": [{"contextKind": "org", "values": []}]}, "at least 1 item"),
        ({"includedContexts": [{"contextKind": "org", "values": [1]}]}, "valid string"),
        ({"includedContexts": [{"contextKind": "a b", "values": ["x"]}]}, "pattern"),
        ({"includedContexts": [{"kind": "user", "values": ["x"]}]}, "Extra inputs"),
        ({"includedContexts": ["x"]}, "includedContexts.0"),
        ({"included": ["u"], "excluded": ["u"]}, "user 'u' is both included and excluded"),
        (
            {
                "includedContexts": [{"contextKind": "org", "values": ["o"]}],
                "excludedContexts": [{"contextKind": "org", "values": ["o"]}],
            },
            "org 'o' is both included and excluded",
        ),
        ("text", "valid dictionary"),
    ],
)
def test_wrong_members_are_refused(document: Json, message: str):
    with pytest.raises(ValueError, match=message):
        Segment.model_validate(document)


def test_same_key_of_two_kinds_may_be_in_and_out():
    document = {
        "included": ["x"],
        "excludedContexts": [{"contextKind": "organization", "values": ["x"]}],
    }
    assert Segment.model_validate(document).managed()["included"] == ["x"]


# Rules


def rule(**fields: object) -> Json:
    document = {
        "rules": [{"clauses": [{"attribute": "plan", "op": "in", "values": ["x"]}], **fields}]
    }
    return Segment.model_validate(document).managed()["rules"][0]


def test_all_who_match_is_the_default_weight():
    assert rule(weight=100, bucketBy="country", rolloutContextKind="device") == rule()


def test_default_bucketing_is_left_out():
    assert rule(weight=50, bucketBy="key", rolloutContextKind="user") == rule(weight=50)


def test_whole_percents_are_ints():
    assert rule(weight=50.0)["weight"] == 50
    assert isinstance(rule(weight=50.0)["weight"], int)


def test_nobody_is_a_weight():
    assert rule(weight=0)["weight"] == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weight": 33.3333}, "more than three decimals"),
        ({"weight": 101}, "less than or equal to 100"),
        ({"weight": -1}, "greater than or equal to 0"),
        ({"weight": "50"}, "valid"),
        ({"bucketBy": "key"}, "need `weight`"),
        ({"rolloutContextKind": "user"}, "need `weight`"),
        ({"clauses": []}, "at least 1 item"),
        ({"serve": "a"}, "Extra inputs"),
    ],
)
def test_wrong_rule_is_refused(fields: Json, message: str):
    with pytest.raises(ValueError, match=message):
        rule(**fields)


# Requests


def test_create_makes_the_shell_and_patches_the_rest():
    document = {"tags": ["a"], "included": ["u1"], "excluded": None, "rules": RULES}
    shell, patch = fakes.create(SEGMENT, PREMIUM, document)
    assert (shell.method, shell.path) == ("POST", "/segments/pets/test")
    assert shell.body == {"key": "premium", "name": "premium", "tags": ["a"]}
    assert (patch.method, patch.path) == ("PATCH", PATH)
    assert patch.body["comment"] == "ldconf 0123abc"
    assert [one["path"] for one in patch.body["patch"]] == ["/included", "/rules"]
    assert patch.body["patch"][1]["value"] == [
        {
            "description": "A third",
            "clauses": [CLAUSE],
            "weight": 33333,
            "rolloutContextKind": "organization",
            "bucketBy": "key",
        },
        {"clauses": [{**CLAUSE, "values": ["silver"]}]},
    ]
    assert accepts(shell)
    assert accepts(patch)


def test_segment_without_targeting_is_one_request():
    (shell,) = fakes.create(SEGMENT, PREMIUM, {"name": "Premium", "rules": [], "included": None})
    assert shell.body == {"key": "premium", "name": "Premium"}


def test_only_changed_paths_are_patched():
    document = {"name": "Premium", "included": ["u3"], "tags": None, "rules": RULES}
    (request,) = fakes.update(SEGMENT, PREMIUM, PAYLOAD, document)
    assert (request.method, request.path) == ("PATCH", PATH)
    assert request.body == {
        "comment": "ldconf 0123abc",
        "patch": [
            {"op": "replace", "path": "/tags", "value": []},
            {"op": "replace", "path": "/included", "value": ["u3"]},
        ],
    }


def test_rules_that_stay_keep_their_ids():
    third = {"clauses": [{**CLAUSE, "values": ["bronze"]}], "weight": 10}
    (request,) = fakes.update(SEGMENT, PREMIUM, PAYLOAD, {"rules": [third, RULES[1], RULES[0]]})
    (operation,) = request.body["patch"]
    assert [one.get("_id") for one in operation["value"]] == [None, "r2", "r1"]
    assert operation["value"][0]["weight"] == 10_000
    assert operation["value"][1:] == PAYLOAD["rules"][::-1]


def test_doubled_rule_takes_each_live_rule_once():
    (request,) = fakes.update(SEGMENT, PREMIUM, PAYLOAD, {"rules": [RULES[1], RULES[1]]})
    assert [one.get("_id") for one in request.body["patch"][0]["value"]] == ["r2", None]


def test_rules_are_cleared_by_an_empty_list():
    (request,) = fakes.update(SEGMENT, PREMIUM, PAYLOAD, {"rules": None})
    assert request.body["patch"] == [{"op": "replace", "path": "/rules", "value": []}]


def test_users_among_live_contexts_move_with_a_change_of_users():
    user = {"contextKind": "user", "values": ["u9"]}
    payload = {**PAYLOAD, "includedContexts": [user, *PAYLOAD["includedContexts"]]}
    (request,) = fakes.update(SEGMENT, PREMIUM, payload, {"included": ["u1"]})
    assert request.body["patch"] == [
        {"op": "replace", "path": "/included", "value": ["u1"]},
        {
            "op": "replace",
            "path": "/includedContexts",
            "value": [
                {"contextKind": "device", "values": ["d1", "d2"]},
                {"contextKind": "organization", "values": ["acme"]},
            ],
        },
    ]


def test_users_among_live_contexts_survive_a_change_of_contexts():
    user = {"contextKind": "user", "values": ["u9"]}
    payload = {**PAYLOAD, "includedContexts": [user]}
    document = {"includedContexts": [{"contextKind": "device", "values": ["d1"]}]}
    requests = fakes.update(SEGMENT, PREMIUM, payload, document)
    live = observed(fakes.served(requests, payload)).resource.managed()
    assert live["included"] == ["u1", "u2", "u9"]
    assert live["includedContexts"] == [{"contextKind": "device", "values": ["d1"]}]


# References and reads


def test_segments_are_named_in_their_own_environment():
    document = {
        "rules": [
            {"clauses": [CLAUSE]},
            {"clauses": [CLAUSE, {"op": "segmentMatch", "values": ["staff"]}]},
        ]
    }
    (found,) = SEGMENT.references(PREMIUM, Segment.model_validate(document))
    assert found.target == segment("staff", "test")
    assert found.path == ("rules", 1, "clauses", 1, "values", 0)


def test_segment_cannot_name_itself():
    assert SEGMENT.check is not None
    document = {"rules": [{"clauses": [{"op": "segmentMatch", "values": ["premium", "staff"]}]}]}
    (problem,) = SEGMENT.check(PREMIUM, Segment.model_validate(document))
    assert problem.summary == "a segment cannot name itself"
    assert problem.path == ("rules", 0, "clauses", 0, "values", 0)


async def test_segments_of_every_environment_are_listed():
    reader = fakes.FakeReader(
        {"/segments/pets/test": [PAYLOAD], "/segments/pets/production": [PAYLOAD]}
    )
    found = await SEGMENT.fetch(reader)
    assert [address for address, _ in found] == [PREMIUM, segment("premium", "production")]
    assert reader.seen == [("/segments/pets/test", False), ("/segments/pets/production", False)]
