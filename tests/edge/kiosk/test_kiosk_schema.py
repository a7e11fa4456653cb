"""Generated requests against the OpenAPI description of a running kiosk."""

import json

import httpx
import pytest
from kiosk_stage import Stage, room, running, until

from edge.kiosk.openapi import DOCUMENT

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: make dev")
from hypothesis import HealthCheck, Phase, settings  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

# The two addresses without an end have tests of their own.
ENDLESS = ("/events", "/stream.mjpg")
schema = schemathesis.openapi.from_dict(DOCUMENT).exclude(path=list(ENDLESS))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def kiosk():
    with running(Stage(room(460))) as kiosk:
        until(lambda: kiosk.latest and kiosk.latest.faces)
        yield kiosk


@schema.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def test_no_generated_request_finds_a_fault(case, kiosk):
    case.call_and_validate(base_url=kiosk.url, checks=CHECKS)


def test_the_description_itself_is_served(kiosk):
    assert httpx.get(kiosk.url + "/api/openapi.json").json() == json.loads(json.dumps(DOCUMENT))
