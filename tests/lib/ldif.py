"""Reads the LDIF that company.py writes, for tests: strict, small, not streaming."""
import base64
import re


def records(path):
    """Yields (dn, changetype or None, [(attr, bytes) ...]); a '-' line comes as ('-', b'')."""
    with open(path, "rb") as f:
        text = f.read().replace(b"\n ", b"")
    for block in text.split(b"\n\n"):
        lines = [x for x in block.split(b"\n") if x and not x.startswith((b"#", b"version:"))]
        pairs = []
        for line in lines:
            if line == b"-":
                pairs.append(("-", b""))
                continue
            name, sep, value = line.partition(b":")
            if not sep:
                raise ValueError(f"{path}: not a line of LDIF: {line!r}")
            value = base64.b64decode(value[1:].strip(), validate=True) if value[:1] == b":" else value.lstrip(b" ")
            pairs.append((name.decode(), value))
        if not pairs:
            continue
        if pairs[0][0] != "dn":
            raise ValueError(f"{path}: a record without a DN: {pairs[0]!r}")
        kind = pairs[1][1].decode() if len(pairs) > 1 and pairs[1][0] == "changetype" else None
        yield pairs[0][1].decode(), kind, pairs[2 if kind else 1:]


def replay(tree, path):
    """Applies a file's change records to {dn: {attr: [values]}}; an impossible change is a KeyError or ValueError."""
    for dn, kind, pairs in records(path):
        if kind in (None, "add"):
            if dn in tree:
                raise ValueError(f"{path}: {dn} exists")
            tree[dn] = {}
            for attr, value in pairs:
                tree[dn].setdefault(attr, []).append(value)
        elif kind == "delete":
            del tree[dn]
            for attrs in tree.values():            # what a controller does by itself
                for link in ("member", "manager"):
                    if dn.encode() in attrs.get(link, ()):
                        attrs[link].remove(dn.encode())
        elif kind == "modify":
            _modify(tree[dn], pairs)
        elif kind == "modrdn":
            _modrdn(tree, dn, dict(pairs))


def _modify(attrs, pairs):
    group = []
    for pair in pairs:
        if pair[0] != "-":
            group.append(pair)
            continue
        op, attr = group[0][0], group[0][1].decode()
        values, have = [v for _, v in group[1:]], attrs.setdefault(attr, [])
        if op == "replace":
            attrs[attr] = values
        elif op == "add":
            if set(values) & set(have):
                raise ValueError(f"{attr}: value exists")
            have += values
        elif op == "delete":
            for v in values:
                have.remove(v)
        group = []


def _modrdn(tree, dn, how):
    parent = how.get("newsuperior", b"").decode() or dn[split_dn(dn):]
    new = how["newrdn"].decode() + "," + parent
    if new != dn and new in tree:
        raise ValueError(f"{new} exists")
    for old in [d for d in tree if d == dn or d.endswith("," + dn)]:
        moved = old[:len(old) - len(dn)] + new
        tree[moved] = tree.pop(old)
        for attrs in tree.values():
            for link in ("member", "manager"):
                if old.encode() in attrs.get(link, ()):
                    attrs[link] = [moved.encode() if v == old.encode() else v for v in attrs[link]]
    if how.get("deleteoldrdn") == b"1":
        _name(tree[new], dn[:split_dn(dn) - 1], list.remove)
    _name(tree[new], how["newrdn"].decode(), list.append)


def _name(attrs, rdn, change):
    """The value in an RDN is a value of the entry."""
    attr, _, text = rdn.partition("=")
    attr = next((a for a in attrs if a.lower() == attr.lower()), attr)
    value = re.sub(r"\\(.)", r"\1", text).encode()
    if (value in attrs.setdefault(attr, [])) == (change is list.remove):
        change(attrs[attr], value)


def split_dn(dn):
    """Where the parent's DN begins."""
    i = 0
    while dn[i] != ",":
        i += 2 if dn[i] == "\\" else 1
    return i + 1
