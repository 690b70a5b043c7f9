// Opening hours: zone, week, days that are not as their day of the week.

import { Box, Button, Checkbox, Group, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { answer, answerAs, client } from "../../api/client.ts";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { Body, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { calendarsKey } from "./Calendars.tsx";
import { readSpans, writeSpans } from "./hours.ts";
import { type Calendar, DAY_NAMES, DAYS, type Day } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

type TypedDay = { id: number; date: string; name: string; open: string };
type Form = { name: string; zone: string; week: Record<Day, string>; days: TypedDay[]; isDefault: boolean };

const ZONES = Intl.supportedValuesOf("timeZone");

export function CalendarEditor() {
  const { id } = useParams({ strict: false }) as { id: string };
  const calendar = useQuery({
    queryKey: [...calendarsKey, id],
    queryFn: ({ signal }) =>
      id === "new"
        ? Promise.resolve(null)
        : answerAs<Calendar>(client.GET("/api/sla/calendars/{id}", { params: { path: { id } }, signal })),
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Screen title={calendar.data?.name ?? (id === "new" ? TEXTS.make : TEXTS.title)}>
      <Body query={calendar}>{(known) => <Editor key={known?.version ?? 0} known={known} />}</Body>
    </Screen>
  );
}

function Editor({ known }: { known: Calendar | null }) {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const [form, setForm] = useState<Form>(() => formOf(known));
  const set = (changes: Partial<Form>) => setForm((typed) => ({ ...typed, ...changes }));
  const wanted = read(form);
  const save = useAct({
    run: () => {
      const body = wanted as never;
      if (known === null) return answer(client.POST("/api/sla/calendars", { body }));
      const params = { path: { id: known.id }, header: { "If-Match": `"v${known.version}"` } };
      return answer(client.PATCH("/api/sla/calendars/{id}", { params, body }));
    },
    changes: [["sla"]],
    done: () => (known ? TEXTS.savedRecount : TEXTS.saved),
    isShownElsewhere: true,
    onDone: () => void navigate({ to: "/manage/calendars" }),
  });
  const setDay = (id: number, changes: Partial<TypedDay>) =>
    set({ days: form.days.map((day) => (day.id === id ? { ...day, ...changes } : day)) });
  const error = (text: string) => (readSpans(text) === undefined ? TEXTS.unread : null);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted) save.mutate(undefined);
      }}
    >
      <Stack gap="md" maw={900}>
        <Box className="panel panel-pad">
          <div className="form-grid">
            <TextInput
              label={TEXTS.name}
              required
              maxLength={100}
              value={form.name}
              onChange={(event) => set({ name: event.currentTarget.value })}
            />
            <Select
              label={TEXTS.zone}
              required
              searchable
              allowDeselect={false}
              data={ZONES}
              value={form.zone}
              onChange={(zone) => set({ zone: zone ?? "UTC" })}
            />
          </div>
          <Checkbox
            mt="sm"
            size="sm"
            label={TEXTS.isDefault}
            checked={form.isDefault}
            disabled={known?.is_default ?? false}
            onChange={(event) => set({ isDefault: event.currentTarget.checked })}
          />
        </Box>
        <Box className="panel panel-pad" component="section" aria-label={TEXTS.week}>
          <Title order={2} size="h5">
            {TEXTS.week}
          </Title>
          <Text size="sm" className="quiet" mb="xs">
            {TEXTS.weekHint}
          </Text>
          <div className="form-grid">
            {DAYS.map((day) => (
              <TextInput
                key={day}
                label={DAY_NAMES[day]}
                placeholder="closed"
                value={form.week[day]}
                error={error(form.week[day])}
                onChange={(event) => set({ week: { ...form.week, [day]: event.currentTarget.value } })}
              />
            ))}
          </div>
        </Box>
        <Box className="panel panel-pad" component="section" aria-label={TEXTS.holidays}>
          <Title order={2} size="h5">
            {TEXTS.holidays}
          </Title>
          <Text size="sm" className="quiet" mb="xs">
            {TEXTS.holidaysHint}
          </Text>
          <Stack gap="xs">
            {form.days.map((day, place) => (
              <Group key={day.id} gap="xs" align="end">
                <TextInput
                  label={TEXTS.date}
                  type="date"
                  required
                  value={day.date}
                  onChange={(event) => setDay(day.id, { date: event.currentTarget.value })}
                />
                <TextInput
                  label={TEXTS.dayName}
                  maxLength={100}
                  value={day.name}
                  onChange={(event) => setDay(day.id, { name: event.currentTarget.value })}
                />
                <TextInput
                  label={TEXTS.open}
                  placeholder="closed"
                  value={day.open}
                  error={error(day.open)}
                  onChange={(event) => setDay(day.id, { open: event.currentTarget.value })}
                />
                <Button
                  variant="default"
                  aria-label={`${TEXTS.removeDay}: ${day.name || day.date || `day ${place + 1}`}`}
                  onClick={() => set({ days: form.days.filter((each) => each.id !== day.id) })}
                >
                  {TEXTS.removeDay}
                </Button>
              </Group>
            ))}
            <Group>
              <Button
                variant="default"
                onClick={() => set({ days: [...form.days, { id: Date.now(), date: "", name: "", open: "" }] })}
              >
                {TEXTS.addDay}
              </Button>
            </Group>
          </Stack>
        </Box>
        {save.isError && <Failure error={save.error} compact />}
        {may(session.data, "sla:write") && (
          <Group>
            <Button type="submit" loading={save.isPending} disabled={!wanted}>
              {TEXTS.save}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}

function formOf(known: Calendar | null): Form {
  const usual = (day: Day) => (day === "sat" || day === "sun" ? "" : "9–17");
  return {
    name: known?.name ?? "",
    zone: known?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    week: Object.fromEntries(DAYS.map((day) => [day, known ? writeSpans(known.week[day]) : usual(day)])) as Record<
      Day,
      string
    >,
    days: (known?.holidays ?? []).map((day, id) => ({
      id,
      date: day.date,
      name: day.name ?? "",
      open: writeSpans(day.open),
    })),
    isDefault: known?.is_default ?? false,
  };
}

/** What can be sent; null while something cannot be read. */
function read(form: Form): Record<string, unknown> | null {
  const week = DAYS.map((day) => [day, readSpans(form.week[day])] as const);
  const holidays = form.days.map(({ date, name, open }) => ({
    date,
    ...(name.trim() ? { name: name.trim() } : {}),
    open: readSpans(open),
  }));
  const isWhole =
    form.name.trim() !== "" &&
    week.every(([, spans]) => spans !== undefined) &&
    holidays.every(({ date, open }) => date !== "" && open !== undefined);
  if (!isWhole) return null;
  return {
    name: form.name.trim(),
    zone: form.zone,
    week: Object.fromEntries(week),
    holidays,
    ...(form.isDefault ? { is_default: true } : {}),
  };
}
