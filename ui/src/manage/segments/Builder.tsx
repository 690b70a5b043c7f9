// The rule builder over the API's own fields and operators, with a count for the whole and for each condition.

import "react-querybuilder/dist/query-builder.css";
import { Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { QueryBuilderMantine } from "@react-querybuilder/mantine";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Field as BuilderField, QueryBuilder, type RuleGroupType } from "react-querybuilder";
import { answerAs, client } from "../../api/client.ts";
import type { SegmentFields } from "../../api/shapes.ts";
import { Failure } from "../../parts/Failure.tsx";
import { count, percent, words } from "../../parts/format.ts";
import { Loading } from "../../parts/Screen.tsx";
import { type FieldType, IN_SEGMENT, type Line, type Query, type Rule, toCondition, toRule } from "./rule.ts";
import { TEXTS } from "./texts.ts";

const WAIT_MS = 500;

const OPERATORS: Record<string, string> = {
  "=": "is",
  "!=": "is not",
  "<": "less than",
  "<=": "at most",
  ">": "more than",
  ">=": "at least",
  between: "between",
  in: "one of",
  not_in: "none of",
  contains: "contains",
  starts_with: "starts with",
  ends_with: "ends with",
  has: "has",
  has_any: "has one of",
  has_all: "has all of",
  is_known: "is known",
  is_unknown: "is not known",
};

type Props = { query: RuleGroupType; onChange: (query: RuleGroupType) => void; onRule: (rule: Rule | null) => void };

export function Builder({ query, onChange, onRule }: Props) {
  const fields = useQuery({
    queryKey: ["segment-fields"],
    queryFn: ({ signal }) => answerAs<SegmentFields>(client.GET("/api/segments/fields", { signal })),
    staleTime: 300_000,
  });
  if (fields.isError) return <Failure error={fields.error} onRetry={() => void fields.refetch()} />;
  if (!fields.data) return <Loading rows={3} />;
  return <Loaded fields={fields.data} query={query} onChange={onChange} onRule={onRule} />;
}

function Loaded({ fields, query, onChange, onRule }: Props & { fields: SegmentFields }) {
  const builderFields = useMemo(() => toBuilderFields(fields), [fields]);
  const types = useMemo(
    () => Object.fromEntries(fields.fields.map((field) => [field.name, field.type])) as Record<string, FieldType>,
    [fields],
  );
  const change = (next: RuleGroupType) => {
    onChange(next);
    onRule(toRule(next as Query, types));
  };
  return (
    <>
      <QueryBuilderMantine>
        <QueryBuilder
          fields={builderFields}
          query={query}
          onQueryChange={change}
          showNotToggle
          showShiftActions
          resetOnFieldChange
          listsAsArrays={false}
          controlClassnames={{ queryBuilder: "queryBuilder-branches" }}
          translations={{
            addRule: { label: "+ Condition" },
            addGroup: { label: "+ Group" },
            removeRule: { label: "×", title: "Remove this condition" },
            removeGroup: { label: "×", title: "Remove this group" },
            notToggle: { label: "Not" },
          }}
        />
      </QueryBuilderMantine>
      <Counts query={query as Query} types={types} />
    </>
  );
}

function toBuilderFields(fields: SegmentFields): BuilderField[] {
  const own = fields.fields.map((field) => {
    const isChoice = (field.values?.length ?? 0) > 0;
    return {
      name: field.name,
      label: words(field.name.replace("segment.", "Segment: ").replace("strength.", "Strength: ")),
      operators: field.operators.map((name) => ({ name, label: OPERATORS[name] ?? name })),
      ...(isChoice
        ? {
            valueEditorType: "select" as const,
            values: (field.values ?? []).map((value) => ({ name: value, label: value })),
          }
        : {}),
      inputType:
        field.type === "number" || field.type === "integer" ? "number" : field.type === "date" ? "date" : "text",
      defaultValue: field.values?.[0] ?? "",
    } as BuilderField;
  });
  if (fields.segments.length === 0) return own;
  const inSegment = {
    name: IN_SEGMENT,
    label: "Another segment",
    operators: [
      { name: "=", label: "is a member of" },
      { name: "!=", label: "is no member of" },
    ],
    valueEditorType: "select" as const,
    values: fields.segments.map((name) => ({ name, label: name })),
    defaultValue: fields.segments[0],
  } as BuilderField;
  return [...own, inSegment];
}

/** How many customers the whole rule means, and each condition of it alone. */
function Counts({ query, types }: { query: Query; types: Record<string, FieldType> }) {
  const [settled] = useDebouncedValue(query, WAIT_MS);
  const whole = toRule(settled, types);
  const lines = conditions(settled).flatMap((line) => {
    const rule = toCondition(line, types);
    return rule ? [{ line, rule }] : [];
  });
  if (!whole) {
    return (
      <Text size="sm" className="quiet" mt="sm">
        Add a condition: its customers are counted at once.
      </Text>
    );
  }
  return (
    <div aria-live="polite">
      <Count rule={whole} isWhole />
      {lines.length > 1 && (
        <ul style={{ margin: "4px 0 0", paddingLeft: 18 }}>
          {lines.map(({ line, rule }) => (
            <li key={line.id ?? JSON.stringify(rule)} className="small">
              <span className="quiet">
                {words(line.field)} {OPERATORS[line.operator] ?? line.operator} {String(line.value ?? "")}
              </span>{" "}
              alone: <Count rule={rule} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function conditions(query: Query): Line[] {
  return query.rules.flatMap((part) => (typeof part === "string" ? [] : "rules" in part ? conditions(part) : [part]));
}

function Count({ rule, isWhole = false }: { rule: Rule; isWhole?: boolean }) {
  const counted = useQuery({
    queryKey: ["segment-preview", rule, isWhole],
    queryFn: ({ signal }) =>
      // The API's description has another thing under the same name.
      answerAs<{ customers: number; of: number; sample: string[] }>(
        client.POST("/api/segments/preview", { body: { rule, sample: isWhole } as never, signal }),
      ),
    staleTime: 30_000,
  });
  if (counted.isError)
    return isWhole ? (
      <Failure error={counted.error} onRetry={() => void counted.refetch()} />
    ) : (
      <span>not counted</span>
    );
  if (!counted.data) return <span className="quiet small">{TEXTS.counting}</span>;
  const { customers, of, sample } = counted.data;
  if (!isWhole) return <strong>{count(customers)}</strong>;
  return (
    <div style={{ marginTop: 12 }}>
      <Text component="div">
        <strong>{count(customers)}</strong> of {count(of)} customers, {percent(customers / Math.max(1, of), 1)}
      </Text>
      {sample.length > 0 && (
        <Text size="sm" component="div">
          <span className="quiet">For example</span>{" "}
          {sample.slice(0, 8).map((id, place) => (
            <span key={id}>
              {place > 0 ? ", " : ""}
              <Link to="/manage/customers/$id" params={{ id }}>
                {id}
              </Link>
            </span>
          ))}
        </Text>
      )}
    </div>
  );
}
