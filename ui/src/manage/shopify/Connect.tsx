// The beginning of an install: the domain is typed, and the browser goes to the shop, whose owner agrees there.

import { Alert, Button, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useState } from "react";
import { Problem } from "../../api/problem.ts";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { beginInstall, type Shop } from "./calls.ts";
import { domainOf } from "./reading.ts";
import { TEXTS } from "./texts.ts";

export function Connect({ known }: { known: Shop }) {
  const [typed, setTyped] = useState(known.shop ?? "");
  const [isTried, setTried] = useState(false);
  const domain = domainOf(typed);
  const begin = useAct({
    run: beginInstall,
    changes: [],
    isShownElsewhere: true,
    // The shop's page is another host's: it takes the place of this one.
    onDone: ({ authorize_url }) => window.location.assign(authorize_url),
  });
  return (
    <section className="panel panel-pad" aria-label={TEXTS.connectTitle}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (domain) begin.mutate(domain);
        }}
      >
        <Stack gap="sm" maw={560}>
          <div>
            <Title order={2} size="h5">
              {known.shop ? TEXTS.again : TEXTS.connectTitle}
            </Title>
            <Text size="sm" className="quiet">
              {TEXTS.connectNote}
            </Text>
          </div>
          <TextInput
            label={TEXTS.domain}
            description={TEXTS.domainHint}
            placeholder="corner-records.myshopify.com"
            autoComplete="off"
            spellCheck={false}
            required
            maxLength={200}
            value={typed}
            error={isTried && !domain ? TEXTS.domainBad : undefined}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          {begin.isError && <Refused error={begin.error} />}
          <Group>
            <Button type="submit" loading={begin.isPending || begin.isSuccess}>
              {TEXTS.connect}
            </Button>
            {begin.isSuccess && (
              <Text size="sm" className="quiet" role="status">
                {TEXTS.going}
              </Text>
            )}
          </Group>
        </Stack>
      </form>
    </section>
  );
}

/** An installation without an app at Shopify says what is missing. */
function Refused({ error }: { error: unknown }) {
  if (!(error instanceof Problem) || error.kind !== "not-now") return <Failure error={error} compact />;
  return (
    <Alert role="alert" color="orange" variant="outline" title={TEXTS.cannot}>
      {error.message}
    </Alert>
  );
}
