"""Writes docs/api.md: its head, then the reference out of /openapi.json.

fetchmedia-broker openapi | python3 docs/api.py docs/api.head.md
"""

import json
import sys

METHODS = ("get", "post", "put", "patch", "delete")


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(titles, rows):
    """A table without the columns that are empty in every row."""
    used = [i for i in range(len(titles)) if any(row[i] for row in rows)]
    lines = ["| " + " | ".join(titles[i] for i in used) + " |", "|" + "---|" * len(used)]
    lines += ["| " + " | ".join(cell(row[i]) for i in used) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def code(value):
    return "" if value is None else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def codes(names):
    return " ".join(code(name) for name in names)


def link(name):
    return f"[{name}](#{name.lower()})"


# ---- a member: its type, range, default and example ----


def type_of(schema):
    types = schema.get("type", "any")
    types = types if isinstance(types, list) else [types]
    words = ["time" if schema.get("format") == "date-time" else "text" if one == "string" else one
             for one in types if one != "null"]
    return " or ".join(words + ["null"] * ("null" in types))


def bounds_of(schema):
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None:
        return ""
    return f"from {low}" if high is None else f"{low} … {high}"


def range_of(schema):
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return codes(name for name in schema["enum"] if name is not None)
    if "anyOf" in schema:
        return ", or ".join(code(one["const"]) if "const" in one else bounds_of(one)
                            for one in schema["anyOf"] if "$ref" not in one)
    if "maxLength" in schema:
        return f"up to {schema['maxLength']} bytes"
    if "maxItems" in schema or "maxProperties" in schema:
        return f"up to {schema.get('maxItems', schema.get('maxProperties'))}"
    return bounds_of(schema)


def example_of(schema):
    return code(schema["examples"][0]) if "examples" in schema else ""


def within(name, schema):
    """The object that this member is, or is a list of, and how its members are reached."""
    items = schema.get("items", {})
    if "properties" in items:
        return f"{name}[].", items
    return f"{name}.", schema


def members(schema, before=""):
    """Every member and its schema, with those of objects in it behind it, by their paths."""
    for name, member in schema.get("properties", {}).items():
        yield before + name, member, name in schema.get("required", [])
        inner, whole = within(before + name, member)
        yield from members(whole, inner)


def asked(schema, known):
    """`known`: paths that an object above has just as this one."""
    rows = [(code(path), type_of(one), range_of(one), code(one.get("default")), example_of(one),
             one.get("description", "")) for path, one, _ in members(schema) if path not in known]
    return table(("member", "type", "range", "default", "example", ""), rows)


def answered(schema):
    rows = []
    for path, one, is_there in members(schema):
        items = one.get("items", {})
        more = f" of {link(items['$ref'].rsplit('/', 1)[1])}" if "$ref" in items else ""
        kind = type_of(one) + more + ("" if is_there else ", or absent")
        rows.append((code(path), kind, range_of(one) or example_of(one), one.get("description", "")))
    return table(("member", "type", "values, or an example", ""), rows)


# ---- an endpoint ----


def parameter(one):
    schema, is_pairs = one["schema"], one.get("style") == "deepObject"
    name = one["name"] + ("[NAME]" if is_pairs else "")
    kind, example = ("text", "") if is_pairs else (type_of(schema), example_of(schema))
    return (code(name), kind, range_of(schema), code(schema.get("default")), example,
            one.get("description", ""))


def parameters(operation):
    rows = [parameter(one) for one in operation["parameters"] if one["in"] == "query"]
    return "\n" + table(("parameter", "type", "range", "default", "example", ""), rows) if rows else ""


def body_of(operation):
    content = operation.get("requestBody", {}).get("content", {})
    text = ""
    for media, part in content.items():
        schema = part["schema"]
        what = link(schema["$ref"].rsplit("/", 1)[1]) if "$ref" in schema else schema["description"]
        text += f"\nBody, `{media}`: {what}.\n"
    return text


def answer_of(response):
    part = response.get("content", {}).get("application/json", {}).get("schema")
    return link(part["$ref"].rsplit("/", 1)[1]) if part else ""


def answers(operation):
    said = operation["responses"]
    rows = [(status, answer_of(one), one["description"]) for status, one in said.items()
            if status != "default" and not answer_of(one) == link("Error")]
    return "\n" + table(("status", "body", ""), rows)


def needs(operation):
    if not operation["security"]:
        return "Needs no key."
    if operation["x-scopes-of-jobs"]:
        return "Needs a key with the scopes that making its jobs takes."
    scopes = operation["x-scopes"]
    return f"Needs a key with the scope {codes(scopes)}." if scopes else "Any valid key."


def endpoints(document):
    return [(method, path, operation) for path, methods in document["paths"].items()
            for method, operation in methods.items() if method in METHODS]


def of_any_key(document):
    """Errors that every endpoint with a key has."""
    named = [set(one["x-errors"]) for _, _, one in endpoints(document) if one["security"]]
    return set.intersection(*named)


def endpoint(document, method, path, operation):
    text = f"\n### {method.upper()} {path}\n\n{operation['summary']}. {needs(operation)}\n"
    text += parameters(operation) + body_of(operation) + answers(operation)
    own = [name for name in operation["x-errors"] if name not in of_any_key(document)]
    others = "those of [any request](#errors-of-any-request)"
    others += " [with a key](#errors-of-any-request-with-a-key)" if operation["security"] else ""
    return text + (f"\nErrors: {codes(own)}, and {others}.\n" if own else f"\nErrors: {others}.\n")


def anchor(method, path):
    kept = [c for c in f"{method} {path}".lower() if c.isalnum() or c in " -_"]
    return "".join(kept).replace(" ", "-")


def scope_of(operation):
    if not operation["security"]:
        return "no key"
    return codes(operation["x-scopes"]) or ("as its jobs" if operation["x-scopes-of-jobs"] else "any key")


def index(document):
    rows = [(f"[`{method.upper()} {path}`](#{anchor(method, path)})", scope_of(one), one["summary"])
            for method, path, one in endpoints(document)]
    return table(("method and path", "needs", ""), rows)


# ---- the page ----


def objects(document):
    """The components that are asked for, and those that are answered."""
    schemas = document["components"]["schemas"]
    asked_for = {part["schema"]["$ref"].rsplit("/", 1)[1]
                 for _, _, operation in endpoints(document)
                 for part in operation.get("requestBody", {}).get("content", {}).values()
                 if "$ref" in part["schema"]}
    text, above = "\n## What is asked for\n", {}
    for name in (name for name in schemas if name in asked_for):
        text += f"\n### {name}\n\n{schemas[name]['description']}. For example:\n\n```json\n"
        text += json.dumps(schemas[name]["examples"][0], indent=2) + "\n```\n\n"
        own = {path: one for path, one, _ in members(schemas[name])}
        like = [other for other, its in above.items() if its.items() <= own.items()]
        text += f"All members of {link(like[0])}, and:\n\n" if like else ""
        text += asked(schemas[name], above[like[0]] if like else {})
        above[name] = own
    text += "\n## What is answered\n"
    for name in (name for name in schemas if name not in asked_for):
        text += f"\n### {name}\n\n{schemas[name]['description']}.\n\n" + answered(schemas[name])
    return text


def formats(document):
    rows = [(code(one["name"]), codes([one["content_type"]]) if one["content_type"] else "as the source's",
             code(one["video"]), code(one["audio"]), codes(one["video_codecs"]), codes(one["audio_codecs"]))
            for one in document["x-formats"]]
    return "\n## Formats\n\n" + table(("format", "media type", "picture", "sound", "pictures it carries",
                                       "sounds it carries"), rows)


def error_table(document, wanted, of_jobs=False):
    rows = [("" if of_jobs else one.get("status"), code(name), "yes" if one["retryable"] else "",
             one["message"]) for name, one in document["x-errors"].items() if wanted(name, one)]
    return table(("status", "code", "retryable", ""), rows)


def errors(document):
    with_key = of_any_key(document)
    named = {name for _, _, one in endpoints(document) for name in one["x-errors"]} - with_key
    parts = (
        ("any request", lambda name, one: one["any"]),
        ("any request with a key", lambda name, one: name in with_key),
        ("some endpoints", lambda name, one: name in named and not one["any"]),
        ("endpoints to come",
         lambda name, one: "status" in one and not one["any"] and name not in named | with_key),
    )
    text = "".join(f"\n## Errors of {whose}\n\n{error_table(document, wanted)}" for whose, wanted in parts)
    return text + "\n## Errors of jobs\n\nIn `error` of a job that has failed. Where it is retryable, the job was " \
        "tried up to\n`max_attempts` times before.\n\n" + error_table(document, lambda name, one: one["job"], True)


def scopes(document):
    return table(("scope", ""), [(code(name), prose) for name, prose in document["x-scopes"].items()])


def main():
    document = json.load(sys.stdin)
    with open(sys.argv[1], encoding="utf-8") as head:
        text = head.read().replace("@scopes@\n", scopes(document))
    text += "\n## Endpoints\n\n" + index(document)
    text += "".join(endpoint(document, *one) for one in endpoints(document))
    text += objects(document) + formats(document) + errors(document)
    sys.stdout.write(text)


main()
