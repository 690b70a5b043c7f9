// Every screen that the menu, the palette and the keys know. A new page is one line here and one in router.tsx.

import type { Action } from "./actions.ts";

/** Groups of the menu: the desk, what a manager looks at and sets, what an operator does. */
export type Surface = "desk" | "team" | "manage" | "settings" | "operate";
export type Place = {
  path: string;
  name: string;
  surface: Surface;
  /** What a person needs to see it. */
  permission: string;
  note: string;
  action?: Action;
};

export const SURFACES: Record<Surface, string> = {
  desk: "Desk",
  team: "Team",
  manage: "Customers",
  settings: "Settings",
  operate: "Operate",
};

/** Those that the menu, the palette and the keys show. */
export const PLACES: Place[] = [
  {
    path: "/desk",
    name: "Tickets",
    surface: "desk",
    permission: "tickets:read",
    note: "Queue, conversations, customers",
    action: "tickets",
  },
  {
    path: "/manage/live",
    name: "Live desk",
    surface: "team",
    permission: "reports:read",
    note: "Backlog, load, what runs out first",
    action: "live",
  },
  {
    path: "/manage/sla",
    name: "Promises",
    surface: "team",
    permission: "reports:read",
    note: "How answers kept to what was promised",
    action: "promises",
  },
  {
    path: "/manage/satisfaction",
    name: "Satisfaction",
    surface: "team",
    permission: "reports:read",
    note: "What customers said",
  },
  {
    path: "/manage/agents",
    name: "People",
    surface: "team",
    permission: "agents:read",
    note: "Roles, skills, load, invitations",
    action: "people",
  },
  {
    path: "/manage",
    name: "Overview",
    surface: "manage",
    permission: "intelligence:read",
    note: "The shop’s customers in a page",
  },
  {
    path: "/manage/customers",
    name: "Customers",
    surface: "manage",
    permission: "intelligence:read",
    note: "Who may leave, who is worth what",
    action: "customers",
  },
  {
    path: "/manage/segments",
    name: "Segments",
    surface: "manage",
    permission: "segments:read",
    note: "Rules, members, history",
    action: "segments",
  },
  {
    path: "/manage/archetypes",
    name: "Archetypes",
    surface: "manage",
    permission: "intelligence:read",
    note: "Kinds of customers",
  },
  {
    path: "/manage/forecasts",
    name: "Forecasts",
    surface: "manage",
    permission: "intelligence:read",
    note: "The next months",
  },
  {
    path: "/manage/imports",
    name: "Imports",
    surface: "manage",
    permission: "orders:write",
    note: "Orders from files, rejects, undo",
    action: "imports",
  },
  {
    path: "/manage/models",
    name: "Models",
    surface: "manage",
    permission: "intelligence:read",
    note: "Figures, calibration, rollback",
  },
  {
    path: "/manage/drift",
    name: "Drift",
    surface: "manage",
    permission: "intelligence:read",
    note: "Whether the data still looks alike",
  },
  {
    path: "/manage/policies",
    name: "Policies",
    surface: "settings",
    permission: "sla:read",
    note: "What is promised to whom",
  },
  {
    path: "/manage/calendars",
    name: "Opening hours",
    surface: "settings",
    permission: "sla:read",
    note: "When somebody is there",
  },
  {
    path: "/manage/rules",
    name: "Rules",
    surface: "settings",
    permission: "settings:write",
    note: "What happens by itself, tried on the past",
  },
  {
    path: "/manage/macros",
    name: "Macros",
    surface: "settings",
    permission: "settings:write",
    note: "Answers that are written once",
  },
  {
    path: "/manage/articles",
    name: "Articles",
    surface: "settings",
    permission: "settings:write",
    note: "What customers and agents can read up",
  },
  {
    path: "/manage/mailboxes",
    name: "Mailboxes",
    surface: "settings",
    permission: "settings:write",
    note: "Addresses, servers, signing",
  },
  {
    path: "/manage/mail",
    name: "Mail that came",
    surface: "settings",
    permission: "webhooks:read",
    note: "What became of it, what was held back",
  },
  {
    path: "/manage/webhooks",
    name: "Webhooks",
    surface: "settings",
    permission: "webhooks:read",
    note: "Other systems that are told, what was delivered",
  },
  {
    path: "/manage/events",
    name: "Events",
    surface: "settings",
    permission: "webhooks:read",
    note: "What others can be told, with JSON Schemas",
  },
  {
    path: "/manage/slack",
    name: "Slack",
    surface: "settings",
    permission: "webhooks:read",
    note: "Workspaces, what is told in which channel",
  },
  {
    path: "/manage/privacy",
    name: "Privacy",
    surface: "settings",
    permission: "privacy:read",
    note: "Requests of persons, how long things are kept",
  },
  {
    path: "/manage/settings",
    name: "Desk and orders",
    surface: "settings",
    permission: "settings:write",
    note: "How work is given out, how tickets behave",
  },
  {
    path: "/manage/keys",
    name: "API keys",
    surface: "settings",
    permission: "settings:write",
    note: "What programs sign in with",
  },
  {
    path: "/manage/trail",
    name: "Trail",
    surface: "settings",
    permission: "audit:read",
    note: "Who did what in the shop",
  },
  {
    path: "/operate/queues",
    name: "Queues",
    surface: "operate",
    permission: "operator",
    note: "Depth, age, rates, pause",
    action: "queues",
  },
  {
    path: "/operate/jobs",
    name: "Jobs",
    surface: "operate",
    permission: "jobs:read",
    note: "Look for a job, cancel one",
    action: "jobs",
  },
  {
    path: "/operate/dead",
    name: "Dead letters",
    surface: "operate",
    permission: "jobs:read",
    note: "Failures by cause, retry, discard",
    action: "dead",
  },
  {
    path: "/operate/schedules",
    name: "Schedules",
    surface: "operate",
    permission: "operator",
    note: "Next times, trigger",
    action: "schedules",
  },
  {
    path: "/operate/workers",
    name: "Workers",
    surface: "operate",
    permission: "operator",
    note: "Who lives and what they hold",
    action: "workers",
  },
  {
    path: "/operate/deliveries",
    name: "Deliveries",
    surface: "operate",
    permission: "webhooks:read",
    note: "What the help desk sent, replay",
  },
  { path: "/operate/audit", name: "Audit", surface: "operate", permission: "operator", note: "Who did what" },
];
