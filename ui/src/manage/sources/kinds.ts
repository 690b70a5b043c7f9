// The kinds of places that are read. A new one is an entry here: what is typed about it, and how it is called in a list.

export type Field = {
  /** As the API names it. */
  name: string;
  label: string;
  hint?: string;
  placeholder?: string;
  /** How it is typed; a port is a number. */
  is?: "text" | "port" | "url";
  isOptional?: boolean;
  initial?: string;
};

export type Kind = {
  kind: string;
  label: string;
  about: string;
  fields: Field[];
  /** What the secret is called, where there is one. */
  secret?: string;
  /** The fields that make a list's line: where it is, and what of it is read. */
  where: (typed: Record<string, string>) => string;
};

export type Place = { kind: string } & Record<string, unknown>;

const CHANGES: Field = {
  name: "changes",
  label: "Column of changes",
  hint: "It grows with each change: a time or a number. Without one all is read each time.",
  placeholder: "updated_at",
  isOptional: true,
};

export const KINDS: Kind[] = [
  {
    kind: "postgres",
    label: "PostgreSQL",
    about: "A table or view. A user that may read it and nothing else is best.",
    fields: [
      { name: "host", label: "Server", placeholder: "db.shop.example" },
      { name: "port", label: "Port", is: "port", initial: "5432" },
      { name: "database", label: "Database" },
      { name: "user", label: "User" },
      { name: "table", label: "Table or view", placeholder: "sales.order_lines" },
      CHANGES,
    ],
    secret: "Password",
    where: (typed) => `${typed.host}, ${typed.table}`,
  },
  {
    kind: "file",
    label: "File at an address",
    about: "CSV, a spreadsheet or Parquet, packed or not. It is read again when it has changed.",
    fields: [{ name: "url", label: "Address", is: "url", placeholder: "https://files.shop.example/orders.csv" }],
    where: (typed) => typed.url ?? "",
  },
];

export function kindOf(name: string): Kind | undefined {
  return KINDS.find((kind) => kind.kind === name);
}

/** What is typed for a kind at first. */
export function fresh(kind: Kind): Record<string, string> {
  return Object.fromEntries(kind.fields.map((field) => [field.name, field.initial ?? ""]));
}

/** A place as it is typed. */
export function typedOf(place: Place): Record<string, string> {
  return Object.fromEntries(
    Object.entries(place).flatMap(([name, value]) =>
      name === "kind" || value === null || value === undefined ? [] : [[name, String(value)]],
    ),
  );
}

/** What is typed as the API takes it: blanks are cut, what is empty and may be is left out. */
export function placeOf(kind: Kind, typed: Record<string, string>): Place {
  const fields = kind.fields.flatMap(({ name, is, isOptional }) => {
    const text = (typed[name] ?? "").trim();
    if (text === "" && isOptional) return [];
    return [[name, is === "port" ? Number(text) : text]];
  });
  return { kind: kind.kind, ...Object.fromEntries(fields) };
}

/** How a place is called in a list, also of a kind that this page does not know yet. */
export function whereIs(place: Place): { kind: string; where: string } {
  const kind = kindOf(place.kind);
  const typed = typedOf(place);
  return kind
    ? { kind: kind.label, where: kind.where(typed) }
    : { kind: place.kind, where: Object.values(typed).slice(0, 2).join(", ") };
}
