// The fields of an event, read out of its JSON Schema in words.

export type Schema = {
  title?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: (string | null)[];
  const?: unknown;
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
};

export type Field = { name: string; value: string; meaning: string };

/** What the `data` of a delivery holds. */
export function fieldsOf(schema: Schema): Field[] {
  const data = schema.properties?.data?.properties ?? {};
  return Object.entries(data).map(([name, field]) => ({
    name,
    value: inWords(field),
    meaning: field.description ?? "",
  }));
}

function inWords(field: Schema): string {
  const types = [field.type ?? []].flat();
  const words = field.enum?.filter((word) => word !== null) ?? [];
  const mayBeNull = types.includes("null") || field.enum?.includes(null) === true;
  const said = words.length > 0 ? words.join(", ") : kindOf(field, types.find((type) => type !== "null") ?? "");
  return mayBeNull ? `${said}, or null` : said;
}

function kindOf(field: Schema, type: string): string {
  if (type === "string") {
    if (field.format === "uuid") return "UUID";
    if (field.format === "date-time") return "time";
    return field.pattern ? "decimal as text" : "text";
  }
  if (type === "integer") return "whole number";
  if (type === "boolean") return "true or false";
  if (type === "array") return "list of names";
  return type || "anything";
}

/** Whether an event is found by words: each has to be in its name, its meaning or one of its fields. */
export function hasWords(event: { type: string; description: string; schema: Schema }, typed: string): boolean {
  const fields = fieldsOf(event.schema).flatMap((field) => [field.name, field.meaning]);
  const text = [event.type, event.description, ...fields].join(" ").toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
