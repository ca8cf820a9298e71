"""Which claims a refused token lacks, read out of a header that anybody may have written."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.claims_challenge import LONGEST_CLAIMS, LONGEST_HEADER, claims_wanted

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
OTHER = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


def encoded(claims: str) -> str:
    return base64.b64encode(claims.encode()).decode()


def bearer(claims: str) -> str:
    return f'Bearer claims="{encoded(claims)}"'


WANTED = encoded(CLAIMS)


@pytest.mark.parametrize(
    "header",
    [
        f'Bearer claims="{WANTED}"',
        f'Bearer realm="", authorization_uri="https://login.example/authorize", '
        f'error="insufficient_claims", claims="{WANTED}"',
        f'bearer REALM="", Claims="{WANTED}"',
        f'  Bearer   claims = "{WANTED}" ,',
        f'Bearer claims="{WANTED}", client_id="1"',
        f'Bearer claims="{WANTED}", Bearer claims="{WANTED}"',
        f'Basic realm="x", Bearer error="e", claims="{WANTED}"',
        f'Negotiate YII=, Bearer claims="{WANTED}", PoP nonce="n"',
        f'NTLM, Bearer claims="{WANTED}"',
        f'Bearer realm="say \\"claims=\\\\\\"", claims="{WANTED}"',
        f'Bearer realm="a, Basic claims=\\"{encoded(OTHER)}\\"", claims="{WANTED}"',
        f'Bearer trusted_issuers="00000001-0000-0000-c000-000000000000@*", claims="{WANTED}"',
    ],
)
def test_the_claims_of_a_bearer_challenge_are_found(header: str) -> None:
    assert claims_wanted(header) == CLAIMS


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        'Bearer realm=""',
        f'Basic claims="{WANTED}"',
        f'Bearer realm="x", Basic claims="{WANTED}"',
        f'claims="{WANTED}"',
        f'Bearer realm="claims=\\"{WANTED}\\""',
        f'Bearer xclaims="{WANTED}"',
        f'Bearer realm="" Basic x="y"claims="{WANTED}"',
        f'Bearer claims="{WANTED}", Bearer claims="{encoded(OTHER)}"',
        f'Bearer claims="{WANTED}", claims="{encoded(OTHER)}"',
        f'Bearer claims="{WANTED}',
        f'Bearer claims="{WANTED}\\"',
        f'Bearer claims="{WANTED}", realm="\x00" "',
        f"Bearer claims='{WANTED}'",
        'Bearer claims=""',
        'Bearer claims="%%%"',
        'Bearer claims="A"',
        'Bearer claims="////"',
        'Bearer claims="=eyJ9"',
        f'Bearer claims="{WANTED}==="',
        f'Bearer claims="{WANTED[:9]}={WANTED[9:]}"',
        f'Bearer claims="{WANTED} {WANTED}"',
        bearer("null"),
        bearer("[]"),
        bearer("7"),
        bearer("{"),
        bearer('{"access_token": "x"}'),
        bearer('{"access_token": null}'),
    ],
)
def test_what_demands_no_claims_that_can_be_read_demands_none(header: str) -> None:
    assert claims_wanted(header) == ""


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(bearer("[" * 6_000), id="deep"),
        pytest.param(bearer(json.dumps({"a": "x" * LONGEST_CLAIMS})), id="long claims"),
        pytest.param(f'Bearer realm="{"x" * LONGEST_HEADER}", claims="{WANTED}"', id="long header"),
        pytest.param(f'Bearer realm="{"x" * 1_000_000}", claims="{WANTED}"', id="endless header"),
        pytest.param("Bearer " + 'claims="' * 2_000, id="quotes without end"),
        pytest.param("Bearer " + "a = " * 4_000, id="names without end"),
    ],
)
def test_a_header_that_would_cost_much_demands_none(header: str) -> None:
    assert claims_wanted(header) == ""


@pytest.mark.parametrize("padding", ["", "=", "=="])
@pytest.mark.parametrize("length", [0, 1, 2])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_claims_may_come_in_either_alphabet_with_padding_or_without(
    padding: str, length: int, encode: Any
) -> None:
    claims = json.dumps({"a": "\u00fc\u00ff\u07ff" + "?" * length}, ensure_ascii=False)
    bare = encode(claims.encode()).decode().rstrip("=")
    assert claims_wanted(f'Bearer claims="{bare}{padding}"') == claims


OBJECTS = st.fixed_dictionaries(
    {}, optional={"access_token": st.dictionaries(st.text(), st.text()), "id_token": st.none()}
)
QUOTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(OBJECTS, st.lists(QUOTED, max_size=3), st.lists(QUOTED, max_size=3))
def test_no_other_parameter_hides_or_forges_the_claims(
    claims: dict[str, Any], before: list[str], after: list[str]
) -> None:
    text = json.dumps(claims)
    if len(encoded(text)) > LONGEST_CLAIMS:
        return
    first = "".join(f"p{at}={quoted(value)}, " for at, value in enumerate(before))
    last = "".join(f", q{at}={quoted(value)}" for at, value in enumerate(after))
    assert claims_wanted(f'Bearer {first}claims="{encoded(text)}"{last}') == text
    assert claims_wanted(f'Basic {first}claims="{encoded(text)}"{last}') == ""


PIECES = st.sampled_from(
    ["Bearer", "Basic", "claims", "realm", "=", '"', "\\", ",", " ", WANTED, encoded("7"), "==", ""]
)


@given(st.text() | st.lists(PIECES, max_size=20).map("".join))
def test_whatever_stands_there_a_sign_in_library_can_take_it(header: str) -> None:
    claims = claims_wanted(header)
    assert claims == "" or isinstance(json.loads(claims).get("access_token", {}), dict)
