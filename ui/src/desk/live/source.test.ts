import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { Source, TOPICS, type Told } from "./source.ts";

test("every topic of the server is heard", async () => {
  const source = await readFile(new URL("../../../../domain/support/src/live/topics.rs", import.meta.url), "utf8");
  const names = source.slice(source.indexOf("fn name("), source.indexOf("fn named("));
  const told = [...names.matchAll(/=> "([a-z_]+)"/g)].map(([, name]) => name);
  assert.ok(told.length > 10);
  assert.deepEqual([...TOPICS].sort(), told.sort());
});

/** A connection that the test opens and speaks by. */
class Stream extends EventTarget {
  static readonly CLOSED = 2;
  readonly url: string;
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(url: string) {
    super();
    this.url = url;
    streams.push(this);
  }

  stand() {
    this.readyState = 1;
    this.onopen?.();
  }

  say(kind: string, id: number) {
    if (this.readyState === Stream.CLOSED) return;
    const data = JSON.stringify({ kind, id, ticket_id: "t1", agent_id: "ann", data: {} });
    this.dispatchEvent(new MessageEvent(kind, { data, lastEventId: String(id) }));
  }

  close() {
    this.readyState = Stream.CLOSED;
  }
}
let streams: Stream[] = [];

test("who leaves the desk hears the stream of before until the next one stands", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  streams = [];
  const known = Object.getOwnPropertyDescriptor(globalThis, "EventSource");
  Object.defineProperty(globalThis, "EventSource", { value: Stream, configurable: true });
  context.after(() => {
    if (known) Object.defineProperty(globalThis, "EventSource", known);
    else Reflect.deleteProperty(globalThis, "EventSource");
  });
  const told: Told[] = [];
  const source = new Source({ told: (one) => told.push(one), link: () => undefined });
  const heard = () => told.flatMap((one) => (one.kind === "event" ? [one.event.id] : []));
  source.start(true);
  const [first] = streams;
  first?.stand();
  // Nothing has happened yet, so there is no number to go on from.
  source.start(false);
  context.mock.timers.tick(2_000);
  const [, second] = streams;
  assert.equal(second?.url, "/api/events?there=false");
  first?.say("rule_notice", 7);
  assert.deepEqual(heard(), [7]);
  second?.stand();
  first?.say("rule_notice", 8);
  second?.say("rule_notice", 8);
  assert.deepEqual(heard(), [7, 8]);
  assert.equal(first?.readyState, Stream.CLOSED);

  // The next one fails for good while the one before still stands.
  source.start(true);
  const [, , third] = streams;
  third?.close();
  third?.onerror?.();
  assert.equal(source.link.state, "catching-up");
  second?.say("rule_notice", 9);
  assert.deepEqual(heard(), [7, 8, 9]);
  source.stop();
  assert.deepEqual(
    streams.map(({ readyState }) => readyState),
    [Stream.CLOSED, Stream.CLOSED, Stream.CLOSED],
  );
});
