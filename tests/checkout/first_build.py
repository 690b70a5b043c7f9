#!/usr/bin/env python3
"""What a newcomer pays: the committed state is cloned to a fresh folder with an
empty target folder and an empty compiler cache, and what `make demo ONCE=1` builds is
built there; then the tests are, which must compile no dependency a second time.

The figure to compare is the processor time of all compilers (user and system,
from getrusage of this script's children): wall time is the machine's business.
The crates' sources must be in cargo's registry already, so that the network is
not measured. The demo itself runs only with --demo: its time is no build."""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# `Compiling serde v1.0.229`; a crate of the workspace has its folder behind it.
COMPILING = re.compile(r"^\s*Compiling (?P<crate>\S+ v\S+)(?P<folder> \(.*\))?$")


def main():
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="deskwork-first-build-", dir=options.folder))
    # Readable by the user postgres, whose data lies below.
    folder.chmod(0o755)
    try:
        return _measure(folder, options)
    finally:
        servers = folder / "clone" / "deploy" / "local" / "servers"
        if servers.exists():
            subprocess.run([str(servers), "remove", str(folder / "clone" / ".local" / "test")])
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _measure(folder, options):
    clone = folder / "clone"
    _run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], folder, {})
    if subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True).stdout:
        print("first build: what is not committed is not in the clone", flush=True)
    # Nothing of an earlier build may help: neither our target folder nor the C++ compiler's cache.
    settings = {"CCACHE_DIR": str(folder / "ccache"), "CARGO_TERM_COLOR": "never"}
    for name in ("CARGO_TARGET_DIR", "RUSTC_WRAPPER", "CARGO_BUILD_TARGET_DIR"):
        settings[name] = None
    _run(["cargo", "fetch", "--locked", "--quiet"], clone, settings)
    _run(["make", "setup"], clone, settings)

    built = _run(["make", "build-demo"], clone, settings)
    print(f"first build: {len(built.dependencies)} dependencies and {len(built.own)} crates of ours were compiled")
    if options.demo:
        demo = _run(["make", "demo", "ONCE=1"], clone, settings)
        _figure("first_build_demo_wall", demo.wall, "s")
    # `make test` with the runner told to build and not to run.
    tests = _run(["make", "test", "ARGS=--no-run"], clone, settings)
    # What only tests need is compiled now for the first time; what the demo needed must be there.
    again = sorted(set(built.dependencies) & set(tests.dependencies))
    for name in again[:10]:
        print(f"first build: the tests compile {name} again")

    _figure("first_build_cpu", built.cpu, "s")
    _figure("first_build_wall", built.wall, "s")
    _figure("first_build_cores", os.cpu_count(), "count")
    _figure("first_build_test_cpu", tests.cpu, "s")
    _figure("first_build_test_wall", tests.wall, "s")
    _figure("first_build_test_compiles_dependencies", len(again), "count")
    verdict = "reached" if not again else "missed"
    print(f"goal: first_build_test_compiles_dependencies wanted <= 0 count got {len(again)} count {verdict}")
    return 1 if again else 0


class _Ran:
    """What a command cost and which crates it compiled."""

    def __init__(self, wall, cpu, output):
        self.wall, self.cpu = wall, cpu
        found = [match for match in map(COMPILING.match, output.splitlines()) if match]
        self.dependencies = [match["crate"] for match in found if not match["folder"]]
        self.own = [match["crate"] for match in found if match["folder"]]


def _run(command, folder, settings):
    """Runs it to its end and shows what it says; ends this script when it fails."""
    environment = {name: value for name, value in (os.environ | settings).items() if value is not None}
    print(f"first build: {' '.join(command)}", flush=True)
    began, before = time.monotonic(), _spent()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
    if process.wait():
        sys.stderr.write("".join(lines[-40:]))
        raise SystemExit(f"first build: {' '.join(command)}: status {process.returncode}")
    return _Ran(time.monotonic() - began, _spent() - before, "".join(lines))


def _spent():
    """Processor seconds of all children that have ended, and of their children."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _figure(name, value, unit):
    text = f"{value:.1f}" if isinstance(value, float) else str(value)
    print(f"figure: {name} {text} {unit}", flush=True)


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", action="store_true", help="also run the demo, and print how long that takes")
    parser.add_argument("--keep", action="store_true", help="keep the clone")
    parser.add_argument("--folder", help="where the clone goes (default: the system's temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
