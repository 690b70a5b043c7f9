// What the trail notes, in words: acts by their names on the wire, and details without the marks of a program.

import { duration, moment, shortId, words } from "./format.ts";

/** What was done, by the name that the trail keeps. */
export const ACTS: Record<string, string> = {
  "agent.change": "Person changed",
  "agent.create": "Person invited",
  "agent.link": "Link for a password made",
  "ai-policy.replace": "Budget for AI set",
  "alert-rule.change": "Slack rule changed",
  "alert-rule.create": "Slack rule made",
  "alert-rule.remove": "Slack rule taken away",
  "alert-rule.test": "Slack rule tried",
  "archetype.name": "Archetype named",
  "archetype.unname": "Archetype’s name taken back",
  "article.change": "Article changed",
  "article.create": "Article made",
  "article.publish": "Article published",
  "article.remove": "Article deleted",
  "article.unpublish": "Article taken off",
  "assignment.policy": "Giving out of work set",
  "attachment.create": "File attached",
  "attachment.redact": "File blacked out",
  "console.begin": "Operator signed in",
  "customer-data.view": "Customer’s data looked at",
  "customer.change": "Customer changed",
  "customer.create": "Customer made",
  "customer.import": "Customers imported",
  "customer.merge": "Customers merged",
  "customer.undo_merge": "Merge of customers undone",
  "dead.discard": "Dead job discarded",
  "dead.discard_many": "Dead jobs discarded",
  "dead.retry": "Dead job tried again",
  "dead.retry_many": "Dead jobs tried again",
  "delivery.replay": "Delivery sent again",
  "delivery.send": "Delivery sent at once",
  "draft.accept": "Draft chosen",
  "draft.edit": "Draft edited",
  "draft.judge": "Draft judged",
  "endpoint.change": "Endpoint changed",
  "endpoint.create": "Endpoint made",
  "endpoint.disable": "Endpoint disabled",
  "endpoint.pause": "Endpoint paused",
  "endpoint.remove": "Endpoint removed",
  "endpoint.resume": "Endpoint resumed",
  "endpoint.rotate-secret": "Endpoint’s secret renewed",
  "endpoint.test": "Endpoint tried",
  "gorgias.sync": "Help desk compared",
  "help_page.put": "Help page set",
  "integration.put": "Connection set",
  "job.cancel": "Job cancelled",
  "key.create": "API key made",
  "key.revoke": "API key revoked",
  "kind.limit": "Limit of jobs set",
  "macro.apply": "Macro used",
  "macro.change": "Macro changed",
  "macro.create": "Macro made",
  "macro.remove": "Macro taken away",
  "mail.recover": "Mail let in",
  "mail_setting.put": "Mail set up",
  "mailbox.create": "Mailbox made",
  "mailbox.delete": "Mailbox given up",
  "mailbox.put": "Mailbox changed",
  "mailbox.token": "Mailbox’s token renewed",
  "message.redact": "Message blacked out",
  "model.promote": "Model put in force",
  "orders.revenue_rule": "Rule for revenue set",
  "orders.source": "Source saved",
  "orders.source_deleted": "Source removed",
  "orders.source_sync": "Source read",
  "orders.undo_import": "Import taken back",
  "password.forgot": "Password forgotten",
  "password.set": "Password chosen",
  "privacy.archive": "Export fetched",
  "privacy.came_back": "Erased customer let back",
  "privacy.destroy_keys": "Keys of old data destroyed",
  "privacy.request": "Privacy request made",
  "question.stop": "Question taken back",
  "queue.concurrency": "Queue’s places set",
  "queue.drain": "Queue emptied",
  "queue.pause": "Queue paused",
  "queue.resume": "Queue resumed",
  "reply.decide": "Unsure reply decided",
  "retention.put": "Retention set",
  "rule.change": "Rule changed",
  "rule.create": "Rule made",
  "rule.dry-run": "Rule tried on the past",
  "rule.off": "Rule switched off",
  "rule.on": "Rule switched on",
  "rule.order": "Rules put in order",
  "rule.remove": "Rule taken away",
  "schedule.pause": "Schedule paused",
  "schedule.resume": "Schedule resumed",
  "schedule.trigger": "Schedule run by hand",
  "segment.archive": "Segment put away",
  "segment.change": "Segment changed",
  "segment.create": "Segment made",
  "session.begin": "Signed in",
  "session.end": "Signed out",
  "session.end-all": "Signed out everywhere",
  "session.refuse": "Sign-in refused",
  "session.reuse": "Old session used again",
  "shopify.connect": "Shopify connected",
  "shopify.disconnect": "Shopify disconnected",
  "shopify.revoked": "Shopify let us go",
  "shopify.sync": "Shopify read",
  "sla_calendar.change": "Opening hours changed",
  "sla_calendar.create": "Opening hours made",
  "sla_policy.change": "Policy changed",
  "sla_policy.create": "Policy made",
  "sla_policy.end": "Policy ended",
  "sla_policy.order": "Policies put in order",
  "slack.connect": "Slack connected",
  "slack.disconnect": "Slack disconnected",
  "tenant.create": "Shop made",
  "ticket.accept": "Ticket accepted",
  "ticket.assign": "Ticket given out",
  "ticket.auto_assign": "Somebody looked for",
  "ticket.change": "Ticket changed",
  "ticket.claim": "Ticket taken",
  "ticket.close": "Ticket closed",
  "ticket.create": "Ticket made",
  "ticket.escalate": "Ticket handed up",
  "ticket.merge": "Tickets merged",
  "ticket.message": "Message written",
  "ticket.note": "Note written",
  "ticket.rating": "Rating given",
  "ticket.reply": "Reply written",
  "ticket.send_again": "Reply sent again",
  "ticket.split": "Ticket split",
  "ticket.transfer": "Ticket handed on",
  "ticket.unassign": "Ticket put back",
  "ticket.undo_merge": "Merge of tickets undone",
  "ticket.view": "Ticket looked at",
  "ticket.withdraw": "Reply taken back",
  "ticket_field.archive": "Field put away",
  "ticket_field.put": "Field set",
  "ticket_setting.put": "Desk set up",
  "topic_alert.lifted": "Alert of a topic lifted",
  "topic_alert.set": "Alert of a topic set",
};

export function actInWords(action: string): string {
  return ACTS[action] ?? words(action.replaceAll(".", " "));
}

const ACTORS: Record<string, string> = {
  command: "By command",
  default: "As it came",
  customer: "A customer",
  job: "By itself",
  rule: "A rule",
  system: "By itself",
  worker: "By itself",
};

/** Who did it; people by their names where these are known. */
export function actorInWords(actor: string, names?: (id: string) => string): string {
  const [kind = "", id = ""] = actor.split(":");
  if (kind === "agent") return names?.(id) ?? `Person ${shortId(id)}`;
  if (kind === "key") return `Key ${shortId(id)}`;
  return ACTORS[kind] ?? words(actor);
}

/** An act's details in a line: `Reason: left the shop; disabled: yes`. */
export function detailInWords(value: unknown): string {
  const text = parts(value).join("; ");
  return text === "" ? "–" : text.charAt(0).toUpperCase() + text.slice(1);
}

function parts(value: unknown): string[] {
  if (!isRecord(value)) return value === null || value === undefined ? [] : [one(value)];
  return Object.entries(value).flatMap(([name, each]) => {
    if (each === null || each === undefined || (Array.isArray(each) && each.length === 0)) return [];
    if (typeof each === "number" && name.endsWith("_ms")) return [`${called(name, 3)}: ${duration(each / 1_000)}`];
    if (typeof each === "number" && name.endsWith("_secs")) return [`${called(name, 5)}: ${duration(each)}`];
    return [`${called(name)}: ${one(each)}`];
  });
}

function called(name: string, unit = 0): string {
  return words(name.slice(0, name.length - unit)).toLowerCase();
}

function one(value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return new Intl.NumberFormat("en", { maximumFractionDigits: 3 }).format(value);
  if (typeof value === "string")
    return /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)$/.test(value) ? moment(value) : value;
  if (Array.isArray(value)) return value.map(one).join(", ");
  return isRecord(value) ? `(${parts(value).join(", ")})` : "–";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
