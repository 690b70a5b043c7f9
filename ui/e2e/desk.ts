// What the desk's screens and journeys need: people, and tickets of every sort. Run again it adds nothing twice.

import { api, done, KEY, post, Refused } from "./api.ts";
import { people } from "./people.ts";

type Listed<T> = { items: T[] };
type Ticket = { id: string; number: number; subject: string | null };
type Message = { id: string; delivery: string | null };

export const SUBJECTS = {
  first: "The lamp arrived broken and my guests come on Saturday",
  known: "Which of these records go together?",
  odd: "<b>Bold</b> question with <script>alert(1)</script>",
};

const TICKETS = [
  {
    subject: SUBJECTS.first,
    priority: "urgent",
    customer: { email: "mira@example.com", name: "Mira Okafor" },
    tags: ["damaged"],
    text: "The glass is in pieces. I paid 189 euros for it and have guests on Saturday. Can you send another one in time, or should I get my money back?",
  },
  {
    subject: "Where is order 4711?",
    priority: "high",
    customer: { email: "tomas@example.com", name: "Tomás Herrera" },
    tags: ["shipping"],
    text: "It should have been here last Tuesday.\n\nThe tracking page says nothing since Friday.",
  },
  {
    subject: SUBJECTS.odd,
    priority: "normal",
    customer: { email: "eve@example.com", name: "Eve <img src=x onerror=alert(1)>" },
    tags: [],
    text: "<h1>Not a heading</h1><img src=x onerror=alert(1)>\nIs this shown as I typed it?",
  },
  {
    subject: "أين طلبي؟",
    priority: "normal",
    customer: { email: "layla@example.com", name: "ليلى حداد" },
    tags: ["shipping"],
    text: "مرحبا، طلبت كتابا قبل أسبوعين ولم يصل بعد. 📦🙏",
  },
  {
    subject: `A very long word: ${"Donaudampfschifffahrtsgesellschaft".repeat(4)}`,
    priority: "low",
    customer: { email: "karl@example.com", name: "Karl Donau" },
    tags: ["question", "question-about-names", "long"],
    text: `Can you print ${"Donaudampfschifffahrtsgesellschaft".repeat(6)} on a mug?`,
  },
  {
    subject: "Change of address",
    priority: "low",
    customer: { email: "mira@example.com", name: "Mira Okafor" },
    tags: [],
    text: "I have moved to Hafenstraße 12.",
  },
  {
    subject: "Invoice for September",
    priority: "normal",
    customer: { email: "office@example.org", name: "Office of Brandt & Sons" },
    tags: ["invoice"],
    text: "Our bookkeeping needs the invoice of the 14th once more, please.",
  },
  {
    subject: SUBJECTS.known,
    priority: "normal",
    customer: { id: "22061", name: "Ida Vance" },
    tags: ["advice"],
    text: "I have most of the early ones by now. What would you put next to them?",
  },
  {
    subject: "Thank you!",
    priority: "low",
    customer: { email: "zoe@example.com", name: "Zoë Lindqvist" },
    tags: [],
    text: "It came a day early. You are great.",
  },
];

export type Tickets = { first: string; known: string };

const MAILBOX = "help@records.example";

/** The mailbox that replies leave from. Nobody listens at its server: what is sent waits there, and can be taken back. */
export async function mailbox(): Promise<string> {
  const known = await api<{ id: string; address: string }[]>("/api/mailboxes");
  const there = known.find((one) => one.address === MAILBOX);
  if (there) return there.id;
  const smtp = { host: "127.0.0.1", port: 9, security: "plain" };
  return (await post<{ id: string }>("/api/mailboxes", { address: MAILBOX, is_default: true, smtp })).id;
}

/** The ids of two tickets with a draft: a stranger's and a known customer's. Makes everything first. */
export async function desk(): Promise<Tickets> {
  await people();
  await mailbox();
  const known = await api<Listed<Ticket>>("/api/tickets?order=newest&limit=100");
  for (const { text, ...ticket } of TICKETS) {
    if (known.items.some((one) => one.subject === ticket.subject)) continue;
    const made = await post<Ticket>("/api/tickets", {
      ...ticket,
      channel: "email",
      message: { from: "customer", text },
    });
    if (ticket.subject === SUBJECTS.first) {
      const note = { text: "She called as well: a replacement by Friday would make her happy." };
      await post(`/api/tickets/${made.id}/notes`, note);
    }
    if (ticket.subject === SUBJECTS.first || ticket.subject === SUBJECTS.known) await draft(made.id);
  }
  const all = await api<Listed<Ticket>>("/api/tickets?order=newest&limit=100");
  const of = (subject: string) => {
    const found = all.items.find((ticket) => ticket.subject === subject);
    if (!found) throw new Error(`there is no ticket ${subject}`);
    return found.id;
  };
  return { first: of(SUBJECTS.first), known: of(SUBJECTS.known) };
}

/** Answers when the draft is there. */
export async function draft(ticket: string) {
  const { job_id } = await post<{ job_id: string }>(`/api/ai/tickets/${ticket}/draft`, {});
  await done(job_id);
}

/**
 * Takes a ticket off the desk, and back what was answered in it and still waits to leave: that would be tried again while
 * the next tests run, and said to its writer as not sent as soon as one of them takes the mailbox away.
 */
export async function archive(ticket: string) {
  await takeBack(ticket);
  await api(`/api/tickets/${ticket}?archive=true`, { method: "DELETE" });
}

async function takeBack(ticket: string) {
  for (;;) {
    const { items } = await api<Listed<Message>>(`/api/tickets/${ticket}/messages`);
    const waiting = items.find(({ delivery }) => delivery === "queued" || delivery === "scheduled");
    if (!waiting) return;
    try {
      await post(`/api/tickets/${ticket}/messages/${waiting.id}/withdraw`, {});
    } catch (error) {
      // It is being sent at this moment; nobody takes it, and then it waits again.
      if (!(error instanceof Refused) || error.status !== 409) throw error;
    }
  }
}

/** A customer writes again, as a help desk would say. */
export function writesAgain(ticket: string, text: string) {
  if (!KEY) throw new Error("this needs a key");
  return post(`/api/tickets/${ticket}/messages`, { from: "customer", text });
}
