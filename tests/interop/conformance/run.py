"""The protocol's conformance suite against a running server: run.py SUITE URL FOLDER

SUITE is the suite's program, URL the server's, FOLDER where its reports go. The suite was written for a server of its own
with tools of certain names; scenarios that call those are not run, and what a scenario calls not testable for want of such
a tool is counted apart. Prints `figure: conformance_failures N checks`; the exit code is 1 when there is a failure.
"""

import json
import pathlib
import subprocess
import sys

# Scenarios that need nothing of the suite's own server, by revision.
SCENARIOS = {
    "2025-11-25": [
        "server-initialize", "server-session-lifecycle", "ping", "tools-list", "resources-list", "prompts-list",
        "server-sse-multiple-streams", "dns-rebinding-protection",
    ],
    "2026-07-28": [
        "server-stateless", "tools-list", "resources-list", "prompts-list", "sep-2164-resource-not-found", "caching",
        "http-header-validation", "server-sse-multiple-streams", "dns-rebinding-protection",
    ],
}
SECONDS = 120


def main(suite, url, folder):
    done = failed = untestable = 0
    for revision, scenarios in SCENARIOS.items():
        for scenario in scenarios:
            place = pathlib.Path(folder) / revision / scenario
            command = ["node", suite, "server", "--url", url, "--scenario", scenario, "--spec-version", revision, "-o", str(place)]
            ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS)
            reports = list(place.rglob("checks.json"))
            if not reports:
                failed += 1
                print(f"failed: {revision} {scenario} left no report:\n{ran.stdout}")
            for check in (check for report in reports for check in json.loads(report.read_text())):
                why = check.get("errorMessage") or ""
                if check["status"] in ("INFO", "SKIPPED"):
                    continue
                done += 1
                if check["status"] == "FAILURE" and why.startswith("Not testable"):
                    untestable += 1
                elif check["status"] != "SUCCESS":
                    failed += 1
                    print(f"failed: {revision} {scenario} {check['id']} {check['status']}: {why}")
    print(f"figure: conformance_checks {done} checks")
    print(f"figure: conformance_untestable {untestable} checks")
    print(f"figure: conformance_failures {failed} checks")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
