// What a macro would do, and did, in words.

import type { Action } from "../../manage/rules/calls.ts";
import { actionsInWords, type Names } from "../../manage/rules/said.ts";
import { TEXTS as DESK, sentWords } from "../texts.ts";
import type { Used } from "./calls.ts";
import { TEXTS } from "./texts.ts";

/** Whether it gives the ticket to somebody, for which a role of its own is needed. */
export function assigns(actions: Action[]): boolean {
  return actions.some((action) => action.do === "assign_agent" || action.do === "assign_department");
}

/** What was done of that. */
export function doneOf(actions: Action[], used: Pick<Used, "left_out">): Action[] {
  const left = new Set(used.left_out.map((action) => JSON.stringify(sorted(action))));
  return actions.filter((action) => !left.has(JSON.stringify(sorted(action))));
}

/** What became of it: whether the reply leaves, what was done beside, and what was not and why. */
export function usedInWords(actions: Action[], used: Used, names: Names): string[] {
  const done = doneOf(actions, used);
  return [
    sentWords(used.not_sent_because) ?? DESK.sent,
    ...(done.length > 0 ? [`${TEXTS.done}: ${actionsInWords(done, names)}`] : []),
    ...(used.left_out.length > 0 ? [`${TEXTS.notDone}: ${actionsInWords(used.left_out, names)}`] : []),
  ];
}

/** The text below what is written already: nothing of that is lost. */
export function below(written: string, text: string): string {
  return written.trim() === "" ? text : `${written.trimEnd()}\n\n${text}`;
}

const sorted = (action: Action) => Object.entries(action).sort(([one], [other]) => one.localeCompare(other));
