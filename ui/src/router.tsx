// Every path and its screen. A surface's screens are loaded when one is opened; filters are texts in the address.

import { Button } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
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
import { PATHS, type Path } from "./paths.ts";
import { ChoosePassword } from "./shell/ChoosePassword.tsx";
import { Forgot } from "./shell/Forgot.tsx";
import { Home } from "./shell/Home.tsx";
import { Shell } from "./shell/Shell.tsx";
import { SignIn } from "./shell/SignIn.tsx";

export type Filters = Record<string, string>;

const root = createRootRoute({ component: Root, notFoundComponent: Nowhere });
const signIn = createRoute({ getParentRoute: () => root, path: "/sign-in", component: SignIn });
const choosing = ["/invitation", "/reset"].map((path) =>
  createRoute({ getParentRoute: () => root, path, component: ChoosePassword }),
);
const forgot = createRoute({ getParentRoute: () => root, path: "/forgot", component: Forgot });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell, notFoundComponent: Nowhere });
const home = createRoute({ getParentRoute: () => shell, path: "/", component: Home });

// biome-ignore lint/suspicious/noExplicitAny: the names of a module's exports are checked by the tests that open each screen
type Load = () => Promise<any>;

const SCREENS: Record<Path, [load: Load, name: string]> = {
  "/desk": [() => import("./desk/Desk.tsx"), "Desk"],
  "/operate/queues": [() => import("./operate/queues/Queues.tsx"), "Queues"],
  "/operate/jobs": [() => import("./operate/jobs/Jobs.tsx"), "Jobs"],
  "/operate/jobs/$id": [() => import("./operate/jobs/JobStory.tsx"), "JobStory"],
  "/operate/dead": [() => import("./operate/dead/DeadLetters.tsx"), "DeadLetters"],
  "/operate/schedules": [() => import("./operate/schedules/Schedules.tsx"), "Schedules"],
  "/operate/workers": [() => import("./operate/workers/Workers.tsx"), "Workers"],
  "/operate/deliveries": [() => import("./operate/deliveries/Deliveries.tsx"), "Deliveries"],
  "/operate/deliveries/$id": [() => import("./operate/deliveries/Delivery.tsx"), "Delivery"],
  "/operate/audit": [() => import("./operate/audit/Audit.tsx"), "Audit"],
  "/manage": [() => import("./manage/overview/Overview.tsx"), "Overview"],
  "/manage/customers": [() => import("./manage/customers/Customers.tsx"), "Customers"],
  "/manage/customers/$id": [() => import("./manage/customers/Customer.tsx"), "Customer"],
  "/manage/segments": [() => import("./manage/segments/Segments.tsx"), "Segments"],
  "/manage/segments/new": [() => import("./manage/segments/NewSegment.tsx"), "NewSegment"],
  "/manage/segments/$id": [() => import("./manage/segments/Segment.tsx"), "Segment"],
  "/manage/archetypes": [() => import("./manage/archetypes/Archetypes.tsx"), "Archetypes"],
  "/manage/forecasts": [() => import("./manage/forecasts/Forecasts.tsx"), "Forecasts"],
  "/manage/ask": [() => import("./manage/ask/Ask.tsx"), "Ask"],
  "/manage/assistants": [() => import("./manage/assistants/Assistants.tsx"), "Assistants"],
  "/manage/usage": [() => import("./manage/usage/Usage.tsx"), "Usage"],
  "/manage/imports": [() => import("./manage/imports/Imports.tsx"), "Imports"],
  "/manage/imports/$id": [() => import("./manage/imports/Import.tsx"), "Import"],
  "/manage/models": [() => import("./manage/models/Models.tsx"), "Models"],
  "/manage/models/$id": [() => import("./manage/models/Model.tsx"), "Model"],
  "/manage/drift": [() => import("./manage/drift/Drift.tsx"), "Drift"],
  "/manage/live": [() => import("./manage/live/LiveDesk.tsx"), "LiveDesk"],
  "/manage/sla": [() => import("./manage/sla/Promises.tsx"), "Promises"],
  "/manage/sla/clocks": [() => import("./manage/sla/Clocks.tsx"), "Clocks"],
  "/manage/satisfaction": [() => import("./manage/satisfaction/Satisfaction.tsx"), "Satisfaction"],
  "/manage/agents": [() => import("./manage/agents/Agents.tsx"), "Agents"],
  "/manage/agents/$id": [() => import("./manage/agents/Agent.tsx"), "Agent"],
  "/manage/policies": [() => import("./manage/policies/Policies.tsx"), "Policies"],
  "/manage/policies/$id": [() => import("./manage/policies/PolicyEditor.tsx"), "PolicyEditor"],
  "/manage/calendars": [() => import("./manage/calendars/Calendars.tsx"), "Calendars"],
  "/manage/calendars/$id": [() => import("./manage/calendars/CalendarEditor.tsx"), "CalendarEditor"],
  "/manage/settings": [() => import("./manage/settings/Settings.tsx"), "Settings"],
  "/manage/keys": [() => import("./manage/keys/Keys.tsx"), "Keys"],
  "/manage/shopify": [() => import("./manage/shopify/Shopify.tsx"), "Shopify"],
  "/manage/sources": [() => import("./manage/sources/Sources.tsx"), "Sources"],
  "/manage/sources/$id": [() => import("./manage/sources/SourceEditor.tsx"), "SourceEditor"],
  "/manage/help-desk": [() => import("./manage/gorgias/HelpDesk.tsx"), "HelpDesk"],
  "/manage/mailboxes": [() => import("./manage/mail/Mailboxes.tsx"), "Mailboxes"],
  "/manage/mail": [() => import("./manage/mail/Inbound.tsx"), "Inbound"],
  "/manage/webhooks": [() => import("./manage/webhooks/Webhooks.tsx"), "Webhooks"],
  "/manage/webhooks/deliveries": [() => import("./manage/webhooks/Deliveries.tsx"), "Deliveries"],
  "/manage/webhooks/deliveries/$id": [() => import("./manage/webhooks/Delivery.tsx"), "Delivery"],
  "/manage/webhooks/$id": [() => import("./manage/webhooks/Endpoint.tsx"), "Endpoint"],
  "/manage/events": [() => import("./manage/events/Events.tsx"), "Events"],
  "/manage/slack": [() => import("./manage/slack/Slack.tsx"), "Slack"],
  "/manage/rules": [() => import("./manage/rules/Rules.tsx"), "Rules"],
  "/manage/rules/$id": [() => import("./manage/rules/RuleEditor.tsx"), "RuleEditor"],
  "/manage/macros": [() => import("./manage/macros/Macros.tsx"), "Macros"],
  "/manage/macros/$id": [() => import("./manage/macros/MacroEditor.tsx"), "MacroEditor"],
  "/manage/articles": [() => import("./manage/articles/Articles.tsx"), "Articles"],
  "/manage/articles/$id": [() => import("./manage/articles/ArticleEditor.tsx"), "ArticleEditor"],
  "/manage/privacy": [() => import("./manage/privacy/Privacy.tsx"), "Privacy"],
  "/manage/trail": [() => import("./manage/trail/Trail.tsx"), "Trail"],
};

const screens = PATHS.map((path) => screen(path, ...SCREENS[path]));

export const router = createRouter({
  routeTree: root.addChildren([signIn, forgot, ...choosing, shell.addChildren([home, ...screens])]),
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

function screen(path: string, load: Load, name: string) {
  return createRoute({
    getParentRoute: () => shell,
    path,
    component: lazyRouteComponent(load, name),
    validateSearch: (search: Record<string, unknown>): Filters =>
      Object.fromEntries(Object.entries(search).map(([key, value]) => [key, String(value)])),
  });
}

/** Toasts are within the router, as they may lead somewhere. */
function Root() {
  return (
    <>
      <Outlet />
      <Notifications position="bottom-right" limit={4} transitionDuration={0} />
    </>
  );
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
