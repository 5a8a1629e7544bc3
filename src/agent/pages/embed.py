#!/usr/bin/env python3
"""embed.py OUT MODULES FILE...: the console's pages and what they use from npm (in MODULES) as a C table, compressed."""
import gzip
import hashlib
import os
import sys

VENDOR = {
    "vendor/preact.js": "htm/preact/standalone.module.js",
    "vendor/pico.css": "@picocss/pico/css/pico.min.css",
    "vendor/uplot.js": "uplot/dist/uPlot.esm.js",
    "vendor/uplot.css": "uplot/dist/uPlot.min.css",
}
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
         ".js": "text/javascript; charset=utf-8"}


def main():
    out, modules, *files = sys.argv[1:]
    pages = [(os.path.basename(f), f) for f in files]
    pages += [(name, os.path.join(modules, path)) for name, path in VENDOR.items()]
    rows = []
    with open(out + ".new", "w", encoding="ascii") as c:
        c.write('/* Made by pages/embed.py. */\n#include "web_pages.h"\n')
        for i, (name, path) in enumerate(sorted(pages)):
            with open(path, "rb") as f:
                data = f.read()
            packed = gzip.compress(data, 9, mtime=0)
            tag = hashlib.sha256(data).hexdigest()[:20]
            kind = TYPES[os.path.splitext(name)[1]]
            c.write(f"static const unsigned char page_{i}[] = {{\n")
            for at in range(0, len(packed), 24):
                c.write(",".join(str(b) for b in packed[at:at + 24]) + ",\n")
            c.write("};\n")
            rows.append(f'\t{{ "/{name}", "{kind}", "\\"{tag}\\"", page_{i}, sizeof(page_{i}) }},\n')
        c.write("const struct web_page web_pages[] = {\n" + "".join(rows) + "\t{ 0 },\n};\n")
    os.rename(out + ".new", out)


main()
