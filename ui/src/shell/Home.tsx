// Where "/" leads: the first screen that the person may see; for an operator the first of the console.

import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { Empty, Screen } from "../parts/Screen.tsx";
import { PLACES } from "./navigation.ts";
import { may, sessionQuery } from "./session.ts";

export function Home() {
  const session = useQuery(sessionQuery);
  const places = PLACES.filter((place) => may(session.data, place.permission));
  const first = (session.data?.isKey && places.find((place) => place.surface === "operate")) || places[0];
  if (first) return <Navigate to={first.path} replace />;
  return (
    <Screen title="Nothing to see yet">
      <Empty title="Your role shows you no screen">Ask somebody who manages people here to give you a role.</Empty>
    </Screen>
  );
}
