// How fresh what is known of the shop is: four figures, each with the word for what it is.

import { Box } from "@mantine/core";
import type { ReactNode } from "react";
import { Age } from "../../parts/Age.tsx";
import { count, duration } from "../../parts/format.ts";
import { State } from "../../parts/State.tsx";
import type { Shop } from "./calls.ts";
import { TEXTS } from "./texts.ts";

/** Webhooks come within seconds; from a minute on something is in their way. */
const LATE_MS = 60_000;

export function Freshness({ shop }: { shop: Shop }) {
  const lag = shop.webhook_lag_ms;
  return (
    <div className="tiles">
      <Tile figure={shop.synced_at ? <Age at={shop.synced_at} /> : TEXTS.neverRead} name={TEXTS.read} />
      <Tile figure={shop.last_webhook_at ? <Age at={shop.last_webhook_at} /> : TEXTS.noWebhook} name={TEXTS.webhook}>
        {lag !== null && lag !== undefined && (
          <State name="lag" tone={lag >= LATE_MS ? "warn" : "good"}>
            {duration(lag / 1000)} {TEXTS.lag}
          </State>
        )}
      </Tile>
      <Tile figure={count(shop.webhooks_waiting)} name={TEXTS.waiting} />
      <Tile figure={count(shop.refused)} name={TEXTS.refusedOrders} />
    </div>
  );
}

function Tile({ figure, name, children }: { figure: ReactNode; name: string; children?: ReactNode }) {
  return (
    <Box className="panel tile">
      <div className="tile-figure">{figure}</div>
      <div className="quiet small">{name}</div>
      {children && <div className="small">{children}</div>}
    </Box>
  );
}
