"""Operations for a target connector (connector.py), and what came of them; for tests."""


def create(n, kind="user", **attrs):
    if kind == "group":
        return dict(op="create", kind=kind, external=f"g{n}", name=f"Group {n}",
                    attrs=dict({"displayName": [f"Group {n}"]}, **attrs))
    return dict(op="create", kind=kind, external=f"x{n}", name=f"u{n}@x",
                attrs=dict({"userName": [f"u{n}@x"], "displayName": [f"Ü {n}"], "name.givenName": ["U"],
                            "emails.work": [f"u{n}@x"], "active": ["true"], "department": ["D"]}, **attrs))


def find(n, name=None):
    return dict(op="find", kind="user", external=f"x{n}", name=name or f"u{n}@x")


def refs(key, add=(), remove=(), kind="group", attribute="members"):
    return dict(op="refs", kind=kind, key=key, attribute=attribute,
                add=[{"key": k, "kind": "user"} for k in add], remove=[{"key": k} for k in remove])


def members(fake, key):
    return {m["value"] for m in fake.groups[key].get("members", [])}


def error(result):
    assert "error" in result, result
    return result["error"]["kind"], result["error"]["code"]
