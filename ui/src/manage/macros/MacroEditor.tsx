// A macro: its texts by language, and what happens to the ticket beside.

import { Box, Button, Group, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { LANGUAGES, languageName } from "../../parts/languages.ts";
import { Body, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { ActionList } from "../rules/ActionList.tsx";
import { vocabulary, type Words } from "../rules/calls.ts";
import type { TypedAction } from "../rules/form.ts";
import { changeMacro, type Macro, type MacroBody, macro, macrosKey, makeMacro, removeMacro } from "./calls.ts";
import { TEXTS } from "./texts.ts";

type Text = { key: number; language: string; text: string };
type Form = { name: string; folder: string; language: string; texts: Text[]; actions: TypedAction[] };

export function MacroEditor() {
  const { id } = useParams({ strict: false }) as { id: string };
  const known = useQuery({
    queryKey: [...macrosKey, id],
    queryFn: async ({ signal }) => {
      const [words, stored] = await Promise.all([vocabulary(signal), id === "new" ? null : macro(id, signal)]);
      return { words, stored };
    },
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Screen title={known.data?.stored?.name ?? (id === "new" ? TEXTS.make : TEXTS.title)}>
      <Body query={known}>
        {({ words, stored }) => <Editor key={stored?.version ?? 0} stored={stored} words={words} />}
      </Body>
    </Screen>
  );
}

function Editor({ stored, words }: { stored: Macro | null; words: Words }) {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const [form, setForm] = useState<Form>(() => formOf(stored));
  const [isRemoving, setRemoving] = useState(false);
  const set = (changes: Partial<Form>) => setForm((typed) => ({ ...typed, ...changes }));
  const setText = (key: number, changes: Partial<Text>) =>
    set({ texts: form.texts.map((text) => (text.key === key ? { ...text, ...changes } : text)) });
  const body = bodyOf(form);
  const save = useAct({
    run: () => {
      if (!body) throw new Error(TEXTS.unreadable);
      return stored ? changeMacro(stored, body) : makeMacro(body);
    },
    changes: [macrosKey],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
    onDone: () => void navigate({ to: "/manage/macros" }),
  });
  const remove = useAct({
    run: () => removeMacro(stored?.id ?? ""),
    changes: [macrosKey],
    gone: [...macrosKey, stored?.id],
    done: () => "The macro is gone",
    isShownElsewhere: true,
    onDone: () => void navigate({ to: "/manage/macros" }),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (body) save.mutate(undefined);
      }}
    >
      <Box className="panel panel-pad" maw={900}>
        <Stack gap="md">
          <div className="form-grid">
            <TextInput
              label={TEXTS.name}
              required
              maxLength={200}
              value={form.name}
              onChange={(event) => set({ name: event.currentTarget.value })}
            />
            <TextInput
              label={TEXTS.folder}
              maxLength={100}
              value={form.folder}
              onChange={(event) => set({ folder: event.currentTarget.value })}
            />
            <Select
              label={TEXTS.language}
              required
              allowDeselect={false}
              data={form.texts.filter(({ language }) => language !== "").map(({ language }) => asChoice(language))}
              value={form.language}
              onChange={(language) => set({ language: language ?? form.language })}
            />
          </div>
          {form.texts.map((text) => (
            <Group key={text.key} gap="xs" align="start" wrap="nowrap">
              <Select
                aria-label={TEXTS.ofText}
                placeholder={TEXTS.ofText}
                w={140}
                required
                searchable
                allowDeselect={false}
                nothingFoundMessage={TEXTS.noLanguage}
                data={choicesBut(form.texts, text)}
                value={text.language || null}
                onChange={(language) => {
                  if (!language) return;
                  setText(text.key, { language });
                  if (form.language === text.language) set({ language });
                }}
              />
              <Textarea
                aria-label={`${TEXTS.text}: ${languageName(text.language)}`}
                size="xs"
                autosize
                minRows={4}
                maxRows={18}
                required
                style={{ flex: 1 }}
                value={text.text}
                onChange={(event) => setText(text.key, { text: event.currentTarget.value })}
              />
              {form.texts.length > 1 && (
                <Button
                  variant="default"
                  aria-label={`Remove: ${languageName(text.language)}`}
                  onClick={() => set({ texts: form.texts.filter((other) => other.key !== text.key) })}
                >
                  Remove
                </Button>
              )}
            </Group>
          ))}
          <Group>
            <Button
              variant="default"
              onClick={() => set({ texts: [...form.texts, { key: Date.now(), language: "", text: "" }] })}
            >
              {TEXTS.addLanguage}
            </Button>
          </Group>
          <details>
            <summary className="small">{TEXTS.variables}</summary>
            <ul className="small">
              {words.variables.map((variable) => (
                <li key={variable.name}>
                  <code>{`{{${variable.name}}}`}</code> {variable.about}
                </li>
              ))}
            </ul>
          </details>
          <ActionList actions={form.actions} vocabulary={words} onChange={(actions) => set({ actions })} />
          {save.isError && <Failure error={save.error} compact />}
          {may(session.data, "settings:write") && (
            <Group justify="space-between">
              <Button type="submit" loading={save.isPending} disabled={!body}>
                {TEXTS.save}
              </Button>
              {stored && (
                <Button variant="default" onClick={() => setRemoving(true)}>
                  {TEXTS.take}
                </Button>
              )}
            </Group>
          )}
        </Stack>
      </Box>
      {isRemoving && (
        <Confirm
          title={`${TEXTS.take}: ${stored?.name}`}
          what={TEXTS.takeWhat}
          verb={TEXTS.take}
          isDestructive
          needsReason={false}
          error={remove.error}
          isBusy={remove.isPending}
          onClose={() => setRemoving(false)}
          onConfirm={() => remove.mutate(undefined)}
        />
      )}
    </form>
  );
}

function formOf(stored: Macro | null): Form {
  const texts = Object.entries(stored?.texts ?? { en: "" }).map(([language, text], key) => ({ key, language, text }));
  return {
    name: stored?.name ?? "",
    folder: stored?.folder ?? "",
    language: stored?.default_language ?? "en",
    texts,
    actions: (stored?.actions ?? []).map((action, key) => ({ key, action })),
  };
}

function bodyOf(form: Form): MacroBody | null {
  const isWhole =
    form.name.trim() !== "" && form.texts.every(({ language, text }) => language.length === 2 && text.trim());
  if (!isWhole) return null;
  return {
    name: form.name.trim(),
    folder: form.folder.trim() || null,
    texts: Object.fromEntries(form.texts.map(({ language, text }) => [language, text])),
    default_language: form.language,
    actions: form.actions.map(({ action }) => action),
  };
}

const asChoice = (code: string) => ({ value: code, label: languageName(code) });

/** The languages that no other text is in; what is stored in one that has no name stays. */
function choicesBut(texts: Text[], text: Text) {
  const others = texts.filter((other) => other.key !== text.key).map((other) => other.language);
  const free = LANGUAGES.filter(({ value }) => !others.includes(value));
  const isListed = text.language === "" || free.some(({ value }) => value === text.language);
  return isListed ? free : [...free, asChoice(text.language)];
}
