// Every path and its screen. A surface's screens are loaded when one is opened; filters are texts in the address.

import { Button } from "@mantine/core";
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  useNavigate,
} from "@tanstack/react-router";
import { Failure } from "./parts/Failure.tsx";
import { Empty, Loading, Screen } from "./parts/Screen.tsx";
import { ChoosePassword } from "./shell/ChoosePassword.tsx";
import { Home } from "./shell/Home.tsx";
import { Shell } from "./shell/Shell.tsx";
import { SignIn } from "./shell/SignIn.tsx";

export type Filters = Record<string, string>;

const root = createRootRoute({ component: Outlet, notFoundComponent: Nowhere });
const signIn = createRoute({ getParentRoute: () => root, path: "/sign-in", component: SignIn });
const doors = ["/invitation", "/reset"].map((path) =>
  createRoute({ getParentRoute: () => root, path, component: ChoosePassword }),
);
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell, notFoundComponent: Nowhere });
const home = createRoute({ getParentRoute: () => shell, path: "/", component: Home });

const screens = [
  screen("/desk", () => import("./desk/Desk.tsx"), "Desk"),
  screen("/operate/queues", () => import("./operate/queues/Queues.tsx"), "Queues"),
  screen("/operate/jobs", () => import("./operate/jobs/Jobs.tsx"), "Jobs"),
  screen("/operate/jobs/$id", () => import("./operate/jobs/JobStory.tsx"), "JobStory"),
  screen("/operate/dead", () => import("./operate/dead/DeadLetters.tsx"), "DeadLetters"),
  screen("/operate/schedules", () => import("./operate/schedules/Schedules.tsx"), "Schedules"),
  screen("/operate/workers", () => import("./operate/workers/Workers.tsx"), "Workers"),
  screen("/operate/deliveries", () => import("./operate/deliveries/Deliveries.tsx"), "Deliveries"),
  screen("/operate/deliveries/$id", () => import("./operate/deliveries/Delivery.tsx"), "Delivery"),
  screen("/operate/audit", () => import("./operate/audit/Audit.tsx"), "Audit"),
  screen("/manage", () => import("./manage/overview/Overview.tsx"), "Overview"),
  screen("/manage/customers", () => import("./manage/customers/Customers.tsx"), "Customers"),
  screen("/manage/customers/$id", () => import("./manage/customers/Customer.tsx"), "Customer"),
  screen("/manage/segments", () => import("./manage/segments/Segments.tsx"), "Segments"),
  screen("/manage/segments/new", () => import("./manage/segments/NewSegment.tsx"), "NewSegment"),
  screen("/manage/segments/$id", () => import("./manage/segments/Segment.tsx"), "Segment"),
  screen("/manage/archetypes", () => import("./manage/archetypes/Archetypes.tsx"), "Archetypes"),
  screen("/manage/forecasts", () => import("./manage/forecasts/Forecasts.tsx"), "Forecasts"),
  screen("/manage/ask", () => import("./manage/ask/Ask.tsx"), "Ask"),
  screen("/manage/assistants", () => import("./manage/assistants/Assistants.tsx"), "Assistants"),
  screen("/manage/usage", () => import("./manage/usage/Usage.tsx"), "Usage"),
  screen("/manage/imports", () => import("./manage/imports/Imports.tsx"), "Imports"),
  screen("/manage/imports/$id", () => import("./manage/imports/Import.tsx"), "Import"),
  screen("/manage/models", () => import("./manage/models/Models.tsx"), "Models"),
  screen("/manage/models/$id", () => import("./manage/models/Model.tsx"), "Model"),
  screen("/manage/drift", () => import("./manage/drift/Drift.tsx"), "Drift"),
  screen("/manage/live", () => import("./manage/live/LiveDesk.tsx"), "LiveDesk"),
  screen("/manage/sla", () => import("./manage/sla/Promises.tsx"), "Promises"),
  screen("/manage/sla/clocks", () => import("./manage/sla/Clocks.tsx"), "Clocks"),
  screen("/manage/satisfaction", () => import("./manage/satisfaction/Satisfaction.tsx"), "Satisfaction"),
  screen("/manage/agents", () => import("./manage/agents/Agents.tsx"), "Agents"),
  screen("/manage/agents/$id", () => import("./manage/agents/Agent.tsx"), "Agent"),
  screen("/manage/policies", () => import("./manage/policies/Policies.tsx"), "Policies"),
  screen("/manage/policies/$id", () => import("./manage/policies/PolicyEditor.tsx"), "PolicyEditor"),
  screen("/manage/calendars", () => import("./manage/calendars/Calendars.tsx"), "Calendars"),
  screen("/manage/calendars/$id", () => import("./manage/calendars/CalendarEditor.tsx"), "CalendarEditor"),
  screen("/manage/settings", () => import("./manage/settings/Settings.tsx"), "Settings"),
  screen("/manage/keys", () => import("./manage/keys/Keys.tsx"), "Keys"),
  screen("/manage/shopify", () => import("./manage/shopify/Shopify.tsx"), "Shopify"),
  screen("/manage/sources", () => import("./manage/sources/Sources.tsx"), "Sources"),
  screen("/manage/sources/$id", () => import("./manage/sources/SourceEditor.tsx"), "SourceEditor"),
  screen("/manage/help-desk", () => import("./manage/gorgias/HelpDesk.tsx"), "HelpDesk"),
  screen("/manage/mailboxes", () => import("./manage/mail/Mailboxes.tsx"), "Mailboxes"),
  screen("/manage/mail", () => import("./manage/mail/Inbound.tsx"), "Inbound"),
  screen("/manage/webhooks", () => import("./manage/webhooks/Webhooks.tsx"), "Webhooks"),
  screen("/manage/webhooks/deliveries", () => import("./manage/webhooks/Deliveries.tsx"), "Deliveries"),
  screen("/manage/webhooks/deliveries/$id", () => import("./manage/webhooks/Delivery.tsx"), "Delivery"),
  screen("/manage/webhooks/$id", () => import("./manage/webhooks/Endpoint.tsx"), "Endpoint"),
  screen("/manage/events", () => import("./manage/events/Events.tsx"), "Events"),
  screen("/manage/slack", () => import("./manage/slack/Slack.tsx"), "Slack"),
  screen("/manage/rules", () => import("./manage/rules/Rules.tsx"), "Rules"),
  screen("/manage/rules/$id", () => import("./manage/rules/RuleEditor.tsx"), "RuleEditor"),
  screen("/manage/macros", () => import("./manage/macros/Macros.tsx"), "Macros"),
  screen("/manage/macros/$id", () => import("./manage/macros/MacroEditor.tsx"), "MacroEditor"),
  screen("/manage/articles", () => import("./manage/articles/Articles.tsx"), "Articles"),
  screen("/manage/articles/$id", () => import("./manage/articles/ArticleEditor.tsx"), "ArticleEditor"),
  screen("/manage/privacy", () => import("./manage/privacy/Privacy.tsx"), "Privacy"),
  screen("/manage/trail", () => import("./manage/trail/Trail.tsx"), "Trail"),
];

export const router = createRouter({
  routeTree: root.addChildren([signIn, ...doors, shell.addChildren([home, ...screens])]),
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const kept = Object.entries(search).filter(([, value]) => value !== undefined && value !== "" && value !== null);
    const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
    return text ? `?${text}` : "";
  },
  defaultPendingComponent: () => <Loading />,
  defaultErrorComponent: ({ error, reset }) => <Failure error={error} onRetry={reset} />,
  defaultPreload: "intent",
  defaultNotFoundComponent: Nowhere,
});

// biome-ignore lint/suspicious/noExplicitAny: the names of a module's exports are checked by the tests that open each screen
function screen(path: string, load: () => Promise<any>, name: string) {
  return createRoute({
    getParentRoute: () => shell,
    path,
    component: lazyRouteComponent(load, name),
    validateSearch: (search: Record<string, unknown>): Filters =>
      Object.fromEntries(Object.entries(search).map(([key, value]) => [key, String(value)])),
  });
}

function Nowhere() {
  const navigate = useNavigate();
  return (
    <Screen title="No such page">
      <Empty title="This address leads nowhere">
        <p>The page may have moved. From the start every page can be found.</p>
        <Button variant="default" onClick={() => void navigate({ to: "/" })}>
          To the start
        </Button>
      </Empty>
    </Screen>
  );
}
