import assert from "node:assert/strict";
import test from "node:test";
import { actionsInWords, findingsInWords } from "./said.ts";

const names = (id: string) => (id === "0199" ? "Ben Adeyemi" : undefined);

test("acts are said by names and not by ids", () => {
  assert.equal(
    actionsInWords(
      [
        { do: "notify", agent_id: "0199" },
        { do: "snooze", minutes: 1_440 },
        { do: "set_priority", priority: "high" },
        { do: "add_tags", tags: ["a", "b"] },
      ],
      names,
    ),
    "Tell a person: Ben Adeyemi; Let it sleep: 1 d; Set the priority: high; Add tags: a, b",
  );
  assert.equal(
    actionsInWords([{ action: { do: "reply", macro_id: "x" }, outcome: "not_sent" }]),
    "Answer with a macro: x – not sent",
  );
  assert.equal(actionsInWords([]), "nothing");
  assert.equal(actionsInWords(null), "–");
});

test("conditions are said with what they found", () => {
  const results = [
    { path: "conditions.all[0]", field: "sentiment", op: "at_most", value: 0.3, was: 0.2134, holds: true },
    { path: "conditions.all[1]", field: "assignee", op: "is", value: ["0199"], was: null, holds: false },
  ];
  assert.deepEqual(findingsInWords(results, names), [
    { says: "Sentiment is at most 0.3; it was 0.21", holds: true },
    { says: "Whose it is is Ben Adeyemi; it was not known", holds: false },
  ]);
  assert.deepEqual(findingsInWords(undefined), []);
});
