// An article: its texts by language in Markdown, beside how they will be shown.

import { Box, Button, Checkbox, Group, Select, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { Foreign } from "../../parts/Foreign.tsx";
import { LANGUAGES, languageName } from "../../parts/languages.ts";
import { Body, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { Standing } from "./Articles.tsx";
import {
  type Article,
  type ArticleBody,
  article,
  articlesKey,
  changeArticle,
  makeArticle,
  preview,
  publish,
  removeArticle,
} from "./calls.ts";
import { TEXTS } from "./texts.ts";

const WAIT_MS = 400;

export function ArticleEditor() {
  const { id } = useParams({ strict: false }) as { id: string };
  const known = useQuery({
    queryKey: [...articlesKey, id],
    queryFn: ({ signal }) => (id === "new" ? Promise.resolve(null) : article(id, signal)),
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Screen
      title={known.data?.texts[known.data.default_language]?.title ?? (id === "new" ? TEXTS.make : TEXTS.title)}
      note={known.data && <Standing article={known.data} />}
    >
      <Body query={known}>{(stored) => <Editor key={stored?.version ?? 0} stored={stored} />}</Body>
    </Screen>
  );
}

function Editor({ stored }: { stored: Article | null }) {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const mayChange = may(session.data, "settings:write");
  const [form, setForm] = useState<ArticleBody>(() => formOf(stored));
  const [language, setLanguage] = useState(form.default_language);
  const [isRemoving, setRemoving] = useState(false);
  const set = (changes: Partial<ArticleBody>) => setForm((typed) => ({ ...typed, ...changes }));
  const text = form.texts[language] ?? { title: "", body: "" };
  const setText = (changes: Partial<typeof text>) =>
    set({ texts: { ...form.texts, [language]: { ...text, ...changes } } });
  const shared = { changes: [articlesKey], isShownElsewhere: true };
  const save = useAct({
    ...shared,
    run: () => (stored ? changeArticle(stored, form) : makeArticle(form)),
    done: () => TEXTS.saved,
    onDone: (made) => void navigate({ to: "/manage/articles/$id", params: { id: made.id } }),
  });
  const show = useAct({
    ...shared,
    run: (isOn: boolean) => publish(stored?.id ?? "", isOn),
    done: (_, isOn) => (isOn ? TEXTS.published : TEXTS.unpublished),
  });
  const remove = useAct({
    ...shared,
    gone: [...articlesKey, stored?.id],
    run: () => removeArticle(stored?.id ?? ""),
    done: () => "The article is gone",
    onDone: () => void navigate({ to: "/manage/articles" }),
  });
  const [missing] = missingIn(form);
  const isWhole = !missing;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isWhole) save.mutate(undefined);
      }}
    >
      <div className="halves">
        <Box className="panel panel-pad">
          <Stack gap="sm">
            <div className="form-grid">
              <TextInput
                label={TEXTS.slug}
                description={TEXTS.slugHint}
                required
                pattern="[a-z0-9\-]+"
                maxLength={100}
                value={form.slug}
                onChange={(event) => set({ slug: event.currentTarget.value })}
              />
              <TextInput
                label={TEXTS.category}
                maxLength={100}
                value={form.category ?? ""}
                onChange={(event) => set({ category: event.currentTarget.value || null })}
              />
              <Select
                label={TEXTS.edited}
                allowDeselect={false}
                data={Object.keys(form.texts).map(asChoice)}
                value={language}
                onChange={(chosen) => setLanguage(chosen ?? form.default_language)}
              />
              <Select
                label={TEXTS.language}
                allowDeselect={false}
                data={Object.keys(form.texts).map(asChoice)}
                value={form.default_language}
                onChange={(chosen) => set({ default_language: chosen ?? form.default_language })}
              />
            </div>
            <NewLanguage
              known={Object.keys(form.texts)}
              onAdd={(added) => {
                set({ texts: { ...form.texts, [added]: { title: "", body: "" } } });
                setLanguage(added);
              }}
            />
            <Checkbox
              size="sm"
              label={TEXTS.isPublic}
              checked={form.is_public}
              onChange={(event) => set({ is_public: event.currentTarget.checked })}
            />
            <TextInput
              label={TEXTS.heading}
              required
              maxLength={200}
              value={text.title}
              onChange={(event) => setText({ title: event.currentTarget.value })}
            />
            <Textarea
              label={TEXTS.text}
              required
              size="sm"
              autosize
              minRows={12}
              maxRows={32}
              maxLength={100_000}
              value={text.body}
              onChange={(event) => setText({ body: event.currentTarget.value })}
            />
            {save.isError || show.isError ? <Failure error={save.error ?? show.error} compact /> : null}
            {mayChange && missing && (
              <Text size="sm" className="quiet">
                {missing}
              </Text>
            )}
            {mayChange && (
              <Group gap="xs">
                <Button type="submit" loading={save.isPending} disabled={!isWhole}>
                  {TEXTS.save}
                </Button>
                {stored && stored.published_version !== stored.version && (
                  <Button variant="default" loading={show.isPending} onClick={() => show.mutate(true)}>
                    {TEXTS.publish}
                  </Button>
                )}
                {stored && stored.published_version != null && (
                  <Button variant="default" loading={show.isPending} onClick={() => show.mutate(false)}>
                    {TEXTS.unpublish}
                  </Button>
                )}
                {stored && (
                  <Button variant="default" onClick={() => setRemoving(true)}>
                    {TEXTS.remove}
                  </Button>
                )}
              </Group>
            )}
          </Stack>
        </Box>
        <Preview title={text.title} body={text.body} />
      </div>
      {isRemoving && (
        <Confirm
          title={TEXTS.remove}
          what={TEXTS.removeWhat}
          verb={TEXTS.remove}
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

function Preview({ title, body }: { title: string; body: string }) {
  const [asked] = useDebouncedValue(body, WAIT_MS);
  const shown = useQuery({
    queryKey: [...articlesKey, "preview", asked],
    queryFn: ({ signal }) => preview(asked, signal),
    enabled: asked.trim() !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.preview}>
      <Title order={2} size="h5" mb="xs">
        {title || TEXTS.preview}
      </Title>
      {shown.isError && <Failure error={shown.error} compact />}
      {shown.data && <Foreign html={shown.data.html} />}
    </Box>
  );
}

function NewLanguage({ known, onAdd }: { known: string[]; onAdd: (language: string) => void }) {
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <Group gap="xs" align="end">
      <Select
        aria-label={TEXTS.addLanguage}
        placeholder={TEXTS.another}
        searchable
        clearable
        nothingFoundMessage={TEXTS.noLanguage}
        data={LANGUAGES.filter(({ value }) => !known.includes(value))}
        value={chosen}
        onChange={setChosen}
      />
      <Button
        variant="default"
        disabled={!chosen}
        onClick={() => {
          if (chosen) onAdd(chosen);
          setChosen(null);
        }}
      >
        {TEXTS.addLanguage}
      </Button>
    </Group>
  );
}

const asChoice = (code: string) => ({ value: code, label: languageName(code) });

/** What an article lacks before it can be saved, in words. */
function missingIn({ slug, texts }: ArticleBody): string[] {
  const unfinished = Object.entries(texts).filter(([, { title, body }]) => !title.trim() || !body.trim());
  return [
    ...(slug === "" ? [TEXTS.needsSlug] : []),
    ...unfinished.map(([code]) => `${TEXTS.needsText} ${languageName(code)}`),
  ];
}

function formOf(stored: Article | null): ArticleBody {
  return {
    slug: stored?.slug ?? "",
    category: stored?.category ?? null,
    is_public: stored?.is_public ?? false,
    texts: stored?.texts ?? { en: { title: "", body: "" } },
    default_language: stored?.default_language ?? "en",
  };
}
