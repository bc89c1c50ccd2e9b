"""Every reply a story gets is held against what the service says of itself."""

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
    assert not unknown, f"nobody said that there is {unknown}: {answer.text}"


def check_error(document, known, answer):
    """It is one that any request may meet, or one that the endpoint names."""
    code = answer.json()["error"]["code"]
    row = document["x-errors"][code]
    named = known["x-errors"] if known else ["not_found"]
    assert row.get("status") == answer.status_code, f"nobody said that there is {answer.text}"
    assert row["any"] or code in named, f"{answer.url}: nobody said that it answers {code}"


def check(base, answer):
    """Of the last answer, if it is this service's: its status, and its body by its schema."""
    url, document = urlsplit(answer.url), description(base)
    method = answer.request.method
    if not answer.url.startswith(base) or method in ("HEAD", "OPTIONS"):
        return
    known = operation(document, method, url.path)
    said = (known or {}).get("responses", {})
    if str(answer.status_code) not in said:
        assert answer.status_code >= 400, f"{method} {url.path}: nobody said {answer.status_code}"
        schema = {"$ref": "#/components/schemas/Error"}
        check_body(document, {"application/json": {"schema": schema}}, answer)
    elif answer.status_code not in BODILESS and "application/json" in said[str(answer.status_code)].get("content", {}):
        check_body(document, said[str(answer.status_code)]["content"], answer)
    if answer.status_code >= 400 and "error" in answer.json():
        check_error(document, known, answer)
