"""Checks every reply that a story gets against the service's own OpenAPI description."""

from functools import lru_cache
from urllib.parse import urlsplit

import jsonschema
import requests

BODILESS = (204, 303, 304)


@lru_cache(maxsize=None)
def description(base):
    return requests.get(f"{base}/openapi.json", timeout=10).json()


def fits(pattern, path):
    """How many segments of the pattern stand as they are; -1: it is another path."""
    wanted, given = pattern.strip("/").split("/"), path.strip("/").split("/")
    if len(wanted) != len(given):
        return -1
    pairs = list(zip(wanted, given))
    if any(one != other and not one.startswith("{") for one, other in pairs):
        return -1
    return sum(one == other for one, other in pairs)


def operation(document, method, path):
    found = max(document["paths"], key=lambda pattern: fits(pattern, path))
    return document["paths"][found].get(method.lower()) if fits(found, path) >= 0 else None


def check_body(document, content, answer):
    schema = content["application/json"]["schema"]
    schemas = document["components"]["schemas"]
    # What its references name comes along: older and newer releases find it there alike.
    rooted = {**schema, "components": {"schemas": schemas}}
    jsonschema.Draft202012Validator(rooted).validate(answer.json())
    unknown = set(answer.json()) - set(schemas[schema["$ref"].rpartition("/")[2]]["properties"])
    assert not unknown, f"undocumented members {unknown}: {answer.text}"


def check_error(document, known, answer):
    """It is one that any request may meet, or one that the endpoint names."""
    code = answer.json()["error"]["code"]
    row = document["x-errors"][code]
    named = known["x-errors"] if known else ["not_found"]
    assert row.get("status") == answer.status_code, f"undocumented status {answer.status_code}: {answer.text}"
    assert row["any"] or code in named, f"{answer.url}: undocumented error {code}"


def check(base, answer):
    """Checks the status of an answer of this service, and its body against its schema."""
    url, document = urlsplit(answer.url), description(base)
    method = answer.request.method
    if not answer.url.startswith(base) or method in ("HEAD", "OPTIONS"):
        return
    known = operation(document, method, url.path)
    documented = (known or {}).get("responses", {}).get(str(answer.status_code))
    if documented is None:
        assert answer.status_code >= 400, f"{method} {url.path}: undocumented status {answer.status_code}"
        schema = {"$ref": "#/components/schemas/Error"}
        check_body(document, {"application/json": {"schema": schema}}, answer)
    elif answer.status_code not in BODILESS and "application/json" in documented.get("content", {}):
        check_body(document, documented["content"], answer)
    if answer.status_code >= 400 and "error" in answer.json():
        check_error(document, known, answer)
