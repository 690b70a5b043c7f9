#!/usr/bin/env python3
"""Follows the recipes of ARCHITECTURE.md to the letter, in a copy of this checkout:
how to add a job kind, how to add a route. The code comes out of the document, so
it is the document that is tested. Printed is what a change of each kind costs:
files touched, lines, seconds to compile and to test.

A recipe is a section whose heading begins with `How to add`. In it
  - a fenced block under a line that names a file in backticks is that new file;
    `(added)` on that line adds the block to the end of a file that is there;
  - a line like "One line in ... `FILE`: `CODE`" is CODE put beside the lines of
    FILE that look alike, in their order;
  - a line like "in `FILE`, `OLD` becomes `NEW`" is that replacement;
  - a fenced block of the language `console` is what a reader runs afterwards, one
    command a line; files that come of it count as well.

The copy is compiled once before anything is added, so that only the change is
measured: dependencies are taken from the target folder of this checkout
(CARGO_TARGET_DIR, or `target`), our own crates are compiled for their new place.
Room for a second such folder is needed."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = "ARCHITECTURE.md"
FENCE = re.compile(r"^```(\w*)\s*$")
NAMED = re.compile(r"`([\w./-]+\.\w+)`")
BECOMES = re.compile(r"[Ii]n `(?P<file>[^`]+)`, `(?P<old>[^`]+)` becomes `(?P<new>[^`]+)`")
ONE_LINE = re.compile(r"One line in [^`]*`(?P<file>[^`]+)`: `(?P<code>[^`]+)`")


class RecipeError(Exception):
    """The document cannot be followed."""


@dataclass
class Recipe:
    """A section of the document, as edits."""

    title: str
    new: dict[str, str] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)
    replaced: list[tuple[str, str, str]] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    @property
    def name(self):
        """`How to add a job kind` is `job_kind`."""
        words = re.sub(r"^How to add (a|an) ", "", self.title).lower()
        return re.sub(r"[^a-z0-9]+", "_", words).strip("_")

    @property
    def files(self):
        return {*self.new, *self.added, *(edit[0] for edit in [*self.lines, *self.replaced])}

    @property
    def size(self):
        blocks = [*self.new.values(), *self.added.values()]
        return sum(len(block.splitlines()) for block in blocks) + len(self.lines) + len(self.replaced)


def recipes(text):
    """The recipes of the document, in its order."""
    found, recipe, fence, block, above = [], None, None, [], ""
    for line in text.splitlines():
        opened = FENCE.match(line)
        if fence is None and opened:
            fence, block = opened[1], []
        elif fence is not None and line.rstrip() == "```":
            if recipe:
                _take(recipe, fence, "\n".join(block) + "\n", above)
            fence = None
        elif fence is not None:
            block.append(line)
        elif heading := re.match(r"^(#+) (.*)$", line):
            recipe = None
            if heading[2].startswith("How to add"):
                recipe = Recipe(heading[2])
                found.append(recipe)
        elif line.strip():
            above = line
            if recipe:
                recipe.lines += [(match["file"], match["code"]) for match in ONE_LINE.finditer(line)]
                recipe.replaced += [(match["file"], match["old"], match["new"]) for match in BECOMES.finditer(line)]
    return found


def _take(recipe, language, block, above):
    if language == "console":
        recipe.console += [line for line in block.splitlines() if line.strip()]
        return
    named = NAMED.search(above)
    if not named:
        raise RecipeError(f"{recipe.title}: the line above a block names no file: {above}")
    (recipe.added if "(added)" in above else recipe.new)[named[1]] = block


def follow(recipe, folder):
    """Makes the edits in a checkout."""
    if not recipe.files:
        raise RecipeError(f"{recipe.title}: it edits nothing")
    for file, text in recipe.new.items():
        path = folder / file
        if path.exists():
            raise RecipeError(f"{recipe.title}: {file} is there already")
        if not path.parent.is_dir():
            raise RecipeError(f"{recipe.title}: there is no folder {path.parent.relative_to(folder)}")
        path.write_text(text)
    for file, text in recipe.added.items():
        path = _present(recipe, folder, file)
        path.write_text(path.read_text() + "\n" + text)
    for file, code in recipe.lines:
        path = _present(recipe, folder, file)
        path.write_text(put_beside(path.read_text(), code))
    for file, old, new in recipe.replaced:
        path = _present(recipe, folder, file)
        text = path.read_text()
        if text.count(old) != 1:
            raise RecipeError(f"{recipe.title}: {file} has `{old}` {text.count(old)} times")
        path.write_text(text.replace(old, new))


def _present(recipe, folder, file):
    path = folder / file
    if not path.is_file():
        raise RecipeError(f"{recipe.title}: there is no {file}")
    return path


def put_beside(text, code):
    """The line among those that have its shape: before the first that comes
    after it in their order, with their indentation."""
    lines = text.splitlines()
    alike = [at for at, line in enumerate(lines) if _shape(line) == _shape(code)]
    if not alike:
        raise RecipeError(f"no line looks like `{code}`")
    # The first run of lines that follow each other is the list.
    run = [alike[0]]
    for at in alike[1:]:
        if at != run[-1] + 1:
            break
        run.append(at)
    later = [at for at in run if lines[at].strip() > code]
    in_order = [lines[at].strip() for at in run] == sorted(lines[at].strip() for at in run)
    place = later[0] if later and in_order else run[-1] + 1
    indentation = re.match(r"\s*", lines[run[0]])[0]
    lines.insert(place, indentation + code)
    return "\n".join(lines) + "\n"


def _shape(line):
    """`count_tickets: CountTickets,` looks like `probe: Probe,`."""
    return re.sub(r"\w+", "w", line.strip())


def main():
    options = _options()
    found = recipes((ROOT / DOCUMENT).read_text())
    if not found:
        raise SystemExit(f"recipe: {DOCUMENT} has no section `How to add ...`")
    folder = Path(tempfile.mkdtemp(prefix="deskwork-recipe-", dir=options.folder))
    # Readable by the user postgres, whose data lies below.
    folder.chmod(0o755)
    try:
        copy = folder / "checkout"
        _copy(copy)
        _run("before", copy, ["cargo", "build", "--workspace", "--bins", "--tests"], options)
        return max([_measure(recipe, copy, options) for recipe in found])
    except RecipeError as error:
        print(f"recipe: {error}", file=sys.stderr)
        return 1
    finally:
        servers = folder / "checkout" / "deploy" / "local" / "servers"
        if servers.exists():
            subprocess.run([str(servers), "remove", str(folder / "checkout" / ".local" / "test")])
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _measure(recipe, copy, options):
    before, there = _borders(copy), files_of(copy)
    follow(recipe, copy)
    # As whoever follows it does before they commit.
    _run(recipe.title, copy, ["cargo", "fmt", "--all"], options)
    if crossed := _borders(copy) - before:
        raise RecipeError(f"{recipe.title}: {'; '.join(sorted(crossed))}")
    compiled = _run(recipe.title, copy, ["cargo", "build", "--workspace", "--bins", "--tests"], options)
    # What it changes decides what is tested: the crates of its files. They are chosen among all, because a part of the
    # workspace by itself would be compiled with other features.
    tests = " + ".join(f"package({crate})" for crate in sorted(_crates(recipe, copy)))
    tested = _run(
        recipe.title, copy,
        ["deploy/local/with-servers", ".local/test", "cargo", "nextest", "run", "--workspace", "--no-fail-fast", "-E", tests],
        options,
    )
    for command in recipe.console:
        tested += _run(recipe.title, copy, ["bash", "-euo", "pipefail", "-c", command], options)
    written = files_of(copy) - there - recipe.files
    lines = recipe.size + sum(len((copy / file).read_text().splitlines()) for file in written)
    for name, value, unit in [
        ("files", len(recipe.files | written), "count"), ("lines", lines, "count"),
        ("compile", round(compiled, 1), "s"), ("test", round(tested, 1), "s"),
    ]:
        print(f"figure: recipe_{recipe.name}_{name} {value} {unit}", flush=True)
    return 0


def _borders(copy):
    """The borders between crates that are crossed: what CI would say of it."""
    check = copy / "deploy" / "ci" / "check-borders"
    return set(subprocess.run([str(check)], cwd=copy, capture_output=True, text=True).stderr.splitlines())


def files_of(copy):
    """The files of the copy that are no build's."""
    found = set()
    for folder, folders, names in os.walk(copy):
        folders[:] = [name for name in folders if name not in ("target", ".local", "node_modules", "dist")]
        found |= {str((Path(folder) / name).relative_to(copy)) for name in names}
    return found


def _crates(recipe, copy):
    """The packages whose files it touches."""
    found = set()
    for file in recipe.files:
        for folder in Path(file).parents:
            manifest = copy / folder / "Cargo.toml"
            if str(folder) != "." and manifest.is_file():
                found.add(re.search(r'^name = "([^"]+)"', manifest.read_text(), re.M)[1])
                break
    return found


def _copy(copy):
    """What git knows and what is not committed yet, and what was compiled already."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode().split("\0")
    for name in filter(None, listed):
        source, target = ROOT / name, copy / name
        # A file that was deleted is still listed until that is committed.
        if source.exists() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    if (ROOT / ".local" / "tools").exists():
        (copy / ".local").mkdir()
        (copy / ".local" / "tools").symlink_to((ROOT / ".local" / "tools").resolve())
    # The api contains the built web app.
    if (ROOT / "ui" / "dist").is_dir():
        shutil.copytree(ROOT / "ui" / "dist", copy / "ui" / "dist")
    built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
    target = copy / "target" / "debug"
    target.mkdir(parents=True)
    for part in (".fingerprint", "build", "deps"):
        if (built / part).is_dir():
            print(f"recipe: copying {built / part}", flush=True)
            subprocess.run(["cp", "-a", "--reflink=auto", str(built / part), str(target)], check=True)


def _run(title, folder, command, options):
    """Runs it to its end; the seconds."""
    print(f"recipe: {title}: {' '.join(command)}", flush=True)
    # The copy has a target folder of its own.
    environment = {name: value for name, value in os.environ.items() if name not in ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR")}
    began = time.monotonic()
    run = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=not options.verbose, text=True
    )
    print(f"recipe: {title}: after {time.monotonic() - began:.0f} s", flush=True)
    if run.returncode:
        said = "" if options.verbose else "\n".join((run.stdout + run.stderr).splitlines()[-40:]) + "\n"
        raise RecipeError(f"{said}{title}: `{' '.join(command)}` ended with status {run.returncode}")
    return time.monotonic() - began


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="keep the copy")
    parser.add_argument("--verbose", action="store_true", help="show what the compiler and the tests say")
    parser.add_argument("--folder", help="where the copy goes (default: the system's temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
