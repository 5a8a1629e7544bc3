#!/usr/bin/python3
"""generate.py PAGE: bash completion of a program, out of its manual page (mdoc).

A command is what stands in `.It Ic NAME` (or, in a synopsis, in `.Cm NAME`); `.Cm` after it are its words, the
`.Fl -x` up to the next command its options; an option that `Ar` follows takes a value. Options that are listed as
`.It Fl -x`, or stand before the first command, belong to all.
"""
import re
import sys

# Where an argument of this name in the page is a file, a folder, the name of a sync (of a target, after --target), of a target.
VALUES = {"FILE": "file", "file": "file", "FOLDER": "dir", "NAME": "sync", "TARGET": "target"}
MACROS = ("Fl", "Cm", "Ar", "Op", "Oo", "Oc", "Ns", "Pq", "No", "Ql")


class Page:
    def __init__(self, text):
        self.program = re.search(r"^\.Nm (\S+)", text, re.M).group(1)
        self.options, self.commands, self.values = {"--help", "--version"}, {}, {}
        where, synopsis = None, False
        for line in text.splitlines():
            words = [w for w in line[1:].split() if w not in ("Ns", ":", ",", ".")] if line.startswith(".") else []
            if words[:1] == ["Sh"]:
                synopsis, where = words[1:] == ["SYNOPSIS"], None
            elif words[:2] == ["It", "Ic"]:
                where = self.command(words[2])
                self.take(words[3:], where, head=True)
            elif synopsis and words[:1] == ["Nm"]:
                where = None
            elif synopsis and words[:1] == ["Cm"]:
                where = self.command(words[1])
                self.take(["Cm", *words[2:]], where, head=True)
            elif words:
                self.take(words[1:] if words[0] == "It" else words, where, listed=words[:2] == ["It", "Fl"])

    def command(self, name):
        return self.commands.setdefault(name, {"options": set(), "subs": [], "args": []})

    def take(self, words, where, head=False, listed=False):
        macro, option = None, None
        for word in words:
            if word in MACROS:
                macro, option = word, option if word == "Ar" else None
            elif word == "|":
                option = None
            elif macro == "Fl" and re.fullmatch("-[a-z-]+", word):
                option = "-" + word
                (self.options if listed or where is None else where["options"]).add(option)
            elif macro == "Cm" and where and re.fullmatch("[a-z-]+", word) and word not in where["subs"]:
                where["subs"].append(word)
            elif macro == "Ar" and option:
                self.values.setdefault(option, "target" if option == "--target" else VALUES.get(word, "none"))
                option = None
            elif macro == "Ar" and where and head:
                where["args"].append(VALUES.get(word, "none"))


TEMPLATE = r"""# bash completion of @PROGRAM@; made from its manual page
# names of sections: what it is, configuration file
_@NAME@_names() {
	[ -r "$2" ] && sed -nE "s/^[[:space:]]*$1[[:space:]]+[\"']?([A-Za-z0-9_.-]+).*/\1/p" "$2"
}

_@NAME@() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= conf=/etc/lockstep/lockstep.conf i
	local options="@OPTIONS@" subs= values=
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c | --config) conf=${COMP_WORDS[++i]} ;;
		-*) ;;
		*) command=${COMP_WORDS[i]}; break ;;
		esac
	done
	case $prev in
@VALUES@	-c | --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	esac
	case $command in
	'') subs="@COMMANDS@" ;;
@CASES@	esac
	case $cur in
	-*) COMPREPLY=($(compgen -W "$options" -- "$cur")); return ;;
	esac
	[ -z "$command" ] || ((i + 1 >= COMP_CWORD)) || subs=
	case $values in
	file) COMPREPLY=($(compgen -f -- "$cur")) ;;
	dir) COMPREPLY=($(compgen -d -- "$cur")) ;;
	sync | target) COMPREPLY=($(compgen -W "$(_@NAME@_names $values "$conf")" -- "$cur")) ;;
	esac
	[ -z "$subs" ] || COMPREPLY+=($(compgen -W "$subs" -- "$cur"))
}
complete -o filenames -F _@NAME@ @PROGRAM@
"""


def script(page):
    name = page.program.replace("-", "_")
    names = lambda what: f'COMPREPLY=($(compgen -W "$(_{name}_names {what} "$conf")" -- "$cur")); return'
    compgen = {"file": 'COMPREPLY=($(compgen -f -- "$cur")); return', "dir": 'COMPREPLY=($(compgen -d -- "$cur")); return',
               "sync": names("sync"), "target": names("target"), "none": "return"}
    values = "".join(f"\t{option}) {compgen[kind]} ;;\n" for option, kind in sorted(page.values.items()) if option != "--config")
    cases = ""
    for command, c in page.commands.items():
        line = [f'options+=" {" ".join(sorted(c["options"]))}"'] if c["options"] else []
        if c["subs"]:
            line.append(f'subs="{" ".join(c["subs"])}"')
        kinds = [k for k in c["args"] if k != "none"]
        if kinds:
            line.append(f"values={kinds[0]}")
        if line:
            cases += f"\t{command}) {'; '.join(line)} ;;\n"
    out = TEMPLATE
    for key, text in {"PROGRAM": page.program, "NAME": name, "OPTIONS": " ".join(sorted(page.options)), "VALUES": values,
                      "COMMANDS": " ".join(page.commands), "CASES": cases}.items():
        out = out.replace(f"@{key}@", text)
    return out


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        sys.stdout.write(script(Page(f.read())))
