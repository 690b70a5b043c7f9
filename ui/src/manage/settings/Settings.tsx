// The tenant's settings: how work is given out, how tickets behave, what revenue is, fields of its own.

import { Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { Assignment } from "./Assignment.tsx";
import { Fields } from "./Fields.tsx";
import { Revenue } from "./Revenue.tsx";
import { Tickets } from "./Tickets.tsx";
import { TEXTS } from "./texts.ts";

export function Settings() {
  const session = useQuery(sessionQuery);
  return (
    <Screen title={TEXTS.title} note={TEXTS.note}>
      <div className="halves">
        <Stack gap="md">
          <Assignment />
          {may(session.data, "orders:write") && <Revenue />}
        </Stack>
        <Stack gap="md">
          <Tickets />
          <Fields />
        </Stack>
      </div>
    </Screen>
  );
}
