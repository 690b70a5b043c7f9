"""Tests of how a recipe is read and followed.
Run: python3 -m unittest discover -s tests/checkout -t tests/checkout"""

import tempfile
import unittest
from pathlib import Path

from recipe import Recipe, RecipeError, files_of, follow, put_beside, recipes

DOCUMENT = """
## Something else

`not/a/recipe.rs`:

```rust
nothing
```

## How to add a job kind

`jobs/count.rs`, the contract:

```rust
pub struct Count {}
```

One line in the list in `jobs/mod.rs`: `count: Count,`. In `jobs/mod.rs`, `list!` becomes `vec!`.

`jobs/tests.rs` (added):

```rust
fn it_counts() {}
```

```console
true
```

## After it

`not/a/recipe/either.rs`

```rust
nothing
```
"""


class Reading(unittest.TestCase):
    def test_a_section_is_read_as_edits(self):
        (recipe,) = recipes(DOCUMENT)
        self.assertEqual(recipe.name, "job_kind")
        self.assertEqual(recipe.new, {"jobs/count.rs": "pub struct Count {}\n"})
        self.assertEqual(recipe.added, {"jobs/tests.rs": "fn it_counts() {}\n"})
        self.assertEqual(recipe.lines, [("jobs/mod.rs", "count: Count,")])
        self.assertEqual(recipe.replaced, [("jobs/mod.rs", "list!", "vec!")])
        self.assertEqual(recipe.console, ["true"])
        self.assertEqual((len(recipe.files), recipe.size), (3, 4))

    def test_a_block_without_a_file_is_no_recipe(self):
        with self.assertRaises(RecipeError):
            recipes("## How to add a route\n\nlike this:\n\n```rust\nx\n```\n")


class Following(unittest.TestCase):
    def test_a_line_goes_where_its_like_are_in_order(self):
        text = "list! {\n    alpha: Alpha,\n    delta: Delta,\n}\nother: Other,\n"
        self.assertEqual(
            put_beside(text, "count: Count,"),
            "list! {\n    alpha: Alpha,\n    count: Count,\n    delta: Delta,\n}\nother: Other,\n",
        )

    def test_a_list_without_an_order_gets_it_at_its_end(self):
        text = "    .merge(jobs::routes())\n    .merge(audit::routes())\n"
        self.assertEqual(put_beside(text, ".merge(count::routes())"), text + "    .merge(count::routes())\n")

    def test_a_line_that_looks_like_no_other_is_refused(self):
        with self.assertRaises(RecipeError):
            put_beside("nothing alike\n", "count: Count,")

    def test_edits_are_made_and_nothing_is_overwritten(self):
        (recipe,) = recipes(DOCUMENT)
        with tempfile.TemporaryDirectory() as folder:
            jobs = Path(folder) / "jobs"
            jobs.mkdir()
            (jobs / "mod.rs").write_text("list! {\n    alpha: Alpha,\n}\n")
            (jobs / "tests.rs").write_text("// tests\n")
            follow(recipe, Path(folder))
            self.assertEqual((jobs / "mod.rs").read_text(), "vec! {\n    alpha: Alpha,\n    count: Count,\n}\n")
            self.assertEqual((jobs / "tests.rs").read_text(), "// tests\n\nfn it_counts() {}\n")
            with self.assertRaises(RecipeError):
                follow(recipe, Path(folder))

    def test_what_a_command_writes_is_a_file_and_what_a_build_writes_is_none(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("jobs/shapes/count.txt", "target/debug/count", ".local/test/log"):
                path = Path(folder) / name
                path.parent.mkdir(parents=True)
                path.write_text("x")
            self.assertEqual(files_of(Path(folder)), {"jobs/shapes/count.txt"})

    def test_a_recipe_that_edits_nothing_is_refused(self):
        with self.assertRaises(RecipeError):
            follow(Recipe("How to add a thing"), Path("/nowhere"))


if __name__ == "__main__":
    unittest.main()
