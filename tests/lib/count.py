"""Counts the results of a test run: prints "PASSED FAILED". A test that ran no case counts as one."""
import json
import re
import sys
import xml.etree.ElementTree as ET


def meson(path):
    passed = failed = 0
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            cases = re.findall(r"^(not )?ok\b(.*)$", test.get("stdout", ""), re.M)
            bad = sum(1 for no, rest in cases if no and "# TODO" not in rest)
            good = len(cases) - bad
            if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL"):
                bad = bad or 1  # a crash, a timeout, a sanitizer's report
            elif not cases and test["result"] == "OK":
                good = 1
            passed, failed = passed + good, failed + bad
    return passed, failed


def pytest(path):
    suites = ET.parse(path).getroot().iter("testsuite")
    passed = failed = 0
    for suite in suites:
        bad = int(suite.get("failures")) + int(suite.get("errors"))
        passed += int(suite.get("tests")) - bad - int(suite.get("skipped"))
        failed += bad
    return passed, failed


def main():
    kind, path = sys.argv[1:]
    try:
        counts = {"meson": meson, "pytest": pytest}[kind](path)
    except (OSError, ET.ParseError) as e:
        print(f"no results: {e}", file=sys.stderr)
        counts = (0, 1)
    print(*counts)


main()
