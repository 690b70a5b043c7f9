// Where "/" leads: the first screen that the person may see.

import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { Empty, Screen } from "../parts/Screen.tsx";
import { PLACES } from "./navigation.ts";
import { may, sessionQuery } from "./session.ts";

export function Home() {
  const session = useQuery(sessionQuery);
  const first = PLACES.find((place) => may(session.data, place.permission));
  if (first) return <Navigate to={first.path} replace />;
  return (
    <Screen title="Nothing to see yet">
      <Empty title="Your role shows you no screen">Ask somebody who manages people here to give you a role.</Empty>
    </Screen>
  );
}
