// Between the builder's query and the API's rule. The builder's ids stay here; what cannot be said yet is left out.

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | string;
export type Condition = { field: string; operator: Operator; value?: unknown };
export type Rule = { all: Rule[] } | { any: Rule[] } | { not: Rule } | { in_segment: string } | Condition;

export type Query = { id?: string; combinator?: string; not?: boolean; rules: (Query | Line | string)[] };
export type Line = { id?: string; field: string; operator: string; value: unknown };

/** Whether a field's values are numbers, one of a few words, days, or texts. */
export type FieldType = "number" | "integer" | "date" | "boolean" | string;

const NO_VALUE = new Set(["is_known", "is_unknown"]);
const MANY = new Set(["in", "not_in", "has_any", "has_all"]);

/** The field of a rule that names another segment. */
export const IN_SEGMENT = "in_segment";

/** The API's rule; null while nothing is complete. */
export function toRule(query: Query, types: Record<string, FieldType>): Rule | null {
  const parts = query.rules.flatMap((part) => {
    if (typeof part === "string") return [];
    const rule = "rules" in part ? toRule(part, types) : toCondition(part, types);
    return rule ? [rule] : [];
  });
  const [only] = parts;
  if (!only) return null;
  const joined = parts.length === 1 ? only : query.combinator === "or" ? { any: parts } : { all: parts };
  return query.not ? { not: joined } : joined;
}

/** One line as a condition; null while its value is missing or no number where one is needed. */
export function toCondition(line: Line, types: Record<string, FieldType>): Rule | null {
  if (line.field === IN_SEGMENT) {
    if (!line.value) return null;
    const rule = { in_segment: String(line.value) };
    return line.operator === "!=" ? { not: rule } : rule;
  }
  const type = types[line.field];
  if (type === undefined) return null;
  if (NO_VALUE.has(line.operator)) return { field: line.field, operator: line.operator };
  if (MANY.has(line.operator) || line.operator === "between") {
    const texts = Array.isArray(line.value) ? line.value : String(line.value ?? "").split(",");
    const values = texts.map((text) => single(text, type)).filter((value) => value !== null);
    const isEnough = line.operator === "between" ? values.length === 2 : values.length > 0;
    return isEnough ? { field: line.field, operator: line.operator, value: values } : null;
  }
  const value = single(line.value, type);
  return value === null ? null : { field: line.field, operator: line.operator, value };
}

function single(value: unknown, type: FieldType): unknown {
  const text = String(value ?? "").trim();
  if (text === "") return null;
  if (type === "number" || type === "integer") {
    const number = Number(text);
    return Number.isFinite(number) ? number : null;
  }
  if (type === "boolean") return text === "true";
  return text;
}

/** The builder's query for a rule that was saved. */
export function toQuery(rule: Rule): Query {
  const query = node(rule);
  return "rules" in query ? query : { combinator: "and", rules: [query] };
}

function node(rule: Rule): Query | Line {
  if ("all" in rule) return { combinator: "and", rules: rule.all.map(node) };
  if ("any" in rule) return { combinator: "or", rules: rule.any.map(node) };
  if ("not" in rule) {
    if ("in_segment" in rule.not) return { field: IN_SEGMENT, operator: "!=", value: rule.not.in_segment };
    const inner = node(rule.not);
    return "rules" in inner ? { ...inner, not: true } : { combinator: "and", not: true, rules: [inner] };
  }
  if ("in_segment" in rule) return { field: IN_SEGMENT, operator: "=", value: rule.in_segment };
  const value = Array.isArray(rule.value) ? rule.value.join(",") : rule.value;
  return { field: rule.field, operator: rule.operator, value: value === undefined ? "" : String(value) };
}
