// The frame of every screen: menu by permission, palette, keys, light and dark, who is signed in.

import {
  AppShell,
  Box,
  Burger,
  Button,
  Group,
  type MantineColorScheme,
  Menu,
  Text,
  UnstyledButton,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Spotlight, spotlight } from "@mantine/spotlight";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { Problem } from "../api/problem.ts";
import { Failure } from "../parts/Failure.tsx";
import { Loading } from "../parts/Screen.tsx";
import { Availability } from "./Availability.tsx";
import { ChangePassword } from "./ChangePassword.tsx";
import { useCommands } from "./commands.ts";
import { KeysHelp } from "./KeysHelp.tsx";
import { listen, useKeySettings, useKeys } from "./keys.ts";
import { PLACES, type Place, SURFACES, type Surface } from "./navigation.ts";
import { Notices } from "./notices/Notices.tsx";
import { may, type Session, sessionQuery, signOut } from "./session.ts";

export function Shell() {
  const session = useQuery(sessionQuery);
  if (session.isPending) {
    return (
      <Box p="xl">
        <Loading rows={4} />
      </Box>
    );
  }
  if (session.error instanceof Problem && session.error.kind === "signed-out") {
    return <ToSignIn />;
  }
  if (session.isError) {
    return (
      <Box component="main" p="xl" maw={640}>
        <Failure error={session.error} onRetry={() => void session.refetch()} />
      </Box>
    );
  }
  return <Frame session={session.data} />;
}

/** Once: while the router is on its way its address is another already, and would be asked for again. */
function ToSignIn() {
  const router = useRouter();
  const hasGone = useRef(false);
  useEffect(() => {
    if (hasGone.current) return;
    hasGone.current = true;
    const search = { next: window.location.pathname + window.location.search };
    void router.navigate({ to: "/sign-in", search: search as never, replace: true });
  }, [router]);
  return null;
}

function Frame({ session }: { session: Session }) {
  const [isMenuOpen, menu] = useDisclosure(false);
  const [isHelpOpen, help] = useDisclosure(false);
  const navigate = useNavigate();
  const places = PLACES.filter((place) => may(session, place.permission));
  const go = (place: Place) => void navigate({ to: place.path });
  const commands = useCommands();
  useEffect(listen, []);
  useKeys({
    help: help.open,
    ...Object.fromEntries(places.flatMap((place) => (place.action ? [[place.action, () => go(place)]] : []))),
  });
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => {
    if (path) menu.close();
  }, [path, menu.close]);
  useEffect(() => {
    if (path) showWhereOneIs();
  }, [path]);

  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !isMenuOpen } }}
      padding={0}
    >
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <AppShell.Header className="frame-part">
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={isMenuOpen}
              onClick={menu.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Menu"
              aria-expanded={isMenuOpen}
            />
            <Text component={Link} to="/" fw={700} c="inherit" td="none" className="nowrap">
              Deskwork
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Button
              variant="default"
              onClick={spotlight.open}
              rightSection={
                <Box component="kbd" visibleFrom="xs">
                  Ctrl K
                </Box>
              }
            >
              Find
            </Button>
            <Person session={session} onHelp={help.open} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" className="frame-part" style={{ overflowY: "auto" }} component="nav" aria-label="Screens">
        {(Object.keys(SURFACES) as Surface[]).map((surface) => (
          <NavGroup key={surface} surface={surface} places={places.filter((place) => place.surface === surface)} />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
      <Spotlight
        actions={[
          ...commands.map(({ id, name, note, run }) => ({ id, label: name, description: note, onClick: run })),
          ...places.map((place) => ({
            id: place.path,
            label: `${SURFACES[place.surface]}: ${place.name}`,
            description: place.note,
            onClick: () => go(place),
          })),
        ]}
        shortcut={["mod + K"]}
        nothingFound="Nothing has this name"
        highlightQuery
        searchProps={{ placeholder: "Where to?", "aria-label": "Where to?" }}
        transitionProps={{ duration: 0 }}
      />
      {isHelpOpen && <KeysHelp onClose={help.close} />}
      <Notices session={session} />
    </AppShell>
  );
}

/** The list of screens is longer than most windows: the one that is open is scrolled into it. */
function showWhereOneIs() {
  const link = document.querySelector("nav .nav-link[aria-current=page]");
  const list = link?.closest("nav");
  if (!link || !list) return;
  const [one, all] = [link.getBoundingClientRect(), list.getBoundingClientRect()];
  if (one.bottom > all.bottom) list.scrollTop += one.bottom - all.bottom + 12;
  else if (one.top < all.top) list.scrollTop -= all.top - one.top + 12;
}

function NavGroup({ surface, places }: { surface: Surface; places: Place[] }) {
  const [{ isOn, keymap }] = useKeySettings();
  if (places.length === 0) return null;
  return (
    <Box component="section" aria-label={SURFACES[surface]}>
      <p className="nav-head">{SURFACES[surface]}</p>
      {places.map((place) => (
        <Link
          key={place.path}
          to={place.path}
          className="nav-link"
          activeOptions={{ exact: place.path === "/manage" || place.path === "/" }}
        >
          {place.name}
          {isOn && place.action && keymap[place.action] && (
            <Box component="span" className="quiet" fz={11} aria-hidden="true" visibleFrom="sm">
              {keymap[place.action]}
            </Box>
          )}
        </Link>
      ))}
    </Box>
  );
}

function Person({ session, onHelp }: { session: Session; onHelp: () => void }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [isLeaving, setLeaving] = useState(false);
  const [isChanging, setChanging] = useState(false);
  return (
    <>
      <Menu position="bottom-end" withinPortal transitionProps={{ duration: 0 }}>
        <Menu.Target>
          <UnstyledButton className="small" px={6} mih={28} aria-label={`You: ${session.name}`}>
            <Box component="span" visibleFrom="xs">
              {session.name || "You"}
            </Box>
            <Box component="span" hiddenFrom="xs">
              You
            </Box>{" "}
            <span aria-hidden="true">▾</span>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label c="var(--quiet)">Role: {session.role.replaceAll("_", " ") || "none"}</Menu.Label>
          {!session.isKey && <Availability />}
          <Menu.RadioGroup value={colorScheme} onChange={(name) => setColorScheme(name as MantineColorScheme)}>
            <Menu.RadioItem value="auto">As the system</Menu.RadioItem>
            <Menu.RadioItem value="light">Light</Menu.RadioItem>
            <Menu.RadioItem value="dark">Dark</Menu.RadioItem>
          </Menu.RadioGroup>
          <Menu.Divider />
          <Menu.Item onClick={onHelp}>Keys</Menu.Item>
          <Menu.Item component="a" href="/docs">
            API description
          </Menu.Item>
          {!session.isKey && <Menu.Item onClick={() => setChanging(true)}>Change the password</Menu.Item>}
          <Menu.Divider />
          <Menu.Item
            disabled={isLeaving}
            onClick={() => {
              setLeaving(true);
              signOut()
                .catch(() => undefined)
                .then(() => window.location.assign("/sign-in"));
            }}
          >
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isChanging && <ChangePassword onClose={() => setChanging(false)} />}
    </>
  );
}
