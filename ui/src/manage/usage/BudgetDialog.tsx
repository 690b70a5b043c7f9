// Changes the budget and the limits; what was before can be had back for ten seconds.

import { Button, Checkbox, Group, NumberInput, Stack } from "@mantine/core";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import { Problem } from "../../api/problem.ts";
import { useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { type Policy, policyOf, type Typed, typed } from "./form.ts";
import { TEXTS } from "./texts.ts";

const put = (body: Policy) => answer(client.PUT("/api/ai/policy", { body }));

const FIELDS: Record<string, keyof Typed> = {
  monthly_micros: "dollars",
  warn_percent: "warn",
  rounds: "rounds",
  smallest_group: "smallest",
};

export function BudgetDialog({ policy, onClose }: { policy: Policy; onClose: () => void }) {
  const [form, setForm] = useState(() => typed(policy));
  const [missing, setMissing] = useState<keyof Typed | null>(null);
  const save = useAct({
    run: put,
    changes: [["ai-policy"], ["ai-usage"]],
    done: () => TEXTS.saved,
    undo: () => put(policy),
    isShownElsewhere: true,
    onDone: onClose,
  });
  const set = (name: keyof Typed) => (value: number | string) => setForm({ ...form, [name]: value });
  const refused = save.error instanceof Problem && save.error.kind === "invalid" ? save.error : null;
  const wrong = refused?.field ? FIELDS[refused.field] : undefined;
  const error = (name: keyof Typed) => {
    if (missing === name) return "must be a number";
    if (wrong !== name) return undefined;
    // The server counts in millionths of a dollar.
    return name === "dollars" ? TEXTS.limitRange : refused?.message;
  };
  return (
    <Dialog onClose={onClose} title={TEXTS.editTitle}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = policyOf(form);
          const lacks = "missing" in wanted ? wanted.missing : null;
          setMissing(lacks);
          if (!("missing" in wanted)) save.mutate(wanted);
        }}
      >
        <Stack gap="sm">
          <Checkbox
            label={TEXTS.hasLimit}
            checked={form.hasLimit}
            data-autofocus
            onChange={(event) => setForm({ ...form, hasLimit: event.currentTarget.checked })}
          />
          {form.hasLimit && (
            <>
              <NumberInput
                label={TEXTS.limit}
                description={TEXTS.limitHint}
                decimalScale={2}
                min={0}
                clampBehavior="none"
                hideControls
                value={form.dollars}
                onChange={set("dollars")}
                error={error("dollars")}
              />
              <NumberInput
                label={TEXTS.warn}
                allowDecimal={false}
                clampBehavior="none"
                hideControls
                value={form.warn}
                onChange={set("warn")}
                error={error("warn")}
              />
            </>
          )}
          <NumberInput
            label={TEXTS.rounds}
            description={TEXTS.roundsHint}
            allowDecimal={false}
            clampBehavior="none"
            hideControls
            value={form.rounds}
            onChange={set("rounds")}
            error={error("rounds")}
          />
          <NumberInput
            label={TEXTS.smallest}
            description={TEXTS.smallestHint}
            allowDecimal={false}
            clampBehavior="none"
            hideControls
            value={form.smallest}
            onChange={set("smallest")}
            error={error("smallest")}
          />
          {save.isError && wrong === undefined && <Failure error={save.error} compact />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending}>
              {TEXTS.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
