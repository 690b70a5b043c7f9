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
  /** It needs a line of its own. */
  isLong?: boolean;
  initial?: string;
};

export type Kind = {
  kind: string;
  label: string;
  about: string;
  fields: Field[];
  /** How the secret is called, where there is one. */
  secret?: { label: string; hint?: string; hasLines?: boolean };
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

/** What of a database is read. */
function table(port: string, from: string): Field[] {
  return [
    { name: "host", label: "Server", placeholder: "db.shop.example" },
    { name: "port", label: "Port", is: "port", initial: port },
    { name: "database", label: "Database" },
    { name: "user", label: "User" },
    { name: "table", label: "Table or view", placeholder: from },
    CHANGES,
  ];
}

const READER = "A table or view. A user that may read it and nothing else is best.";
const FILE = "CSV, a spreadsheet or Parquet, packed or not. It is read again when it has changed.";

export const KINDS: Kind[] = [
  {
    kind: "postgres",
    label: "PostgreSQL",
    about: READER,
    fields: table("5432", "sales.order_lines"),
    secret: { label: "Password" },
    where: (typed) => `${typed.host}, ${typed.table}`,
  },
  {
    kind: "mysql",
    label: "MySQL or MariaDB",
    about: READER,
    fields: table("3306", "order_lines"),
    secret: { label: "Password" },
    where: (typed) => `${typed.host}, ${typed.table}`,
  },
  {
    kind: "file",
    label: "File at an address",
    about: FILE,
    fields: [
      { name: "url", label: "Address", is: "url", isLong: true, placeholder: "https://files.shop.example/orders.csv" },
    ],
    where: (typed) => typed.url ?? "",
  },
  {
    kind: "s3",
    label: "File in S3",
    about: FILE,
    fields: [
      {
        name: "endpoint",
        label: "Store",
        is: "url",
        isLong: true,
        hint: "Scheme and host alone, of any store that speaks S3",
        placeholder: "https://s3.eu-central-1.amazonaws.com",
      },
      { name: "region", label: "Region", placeholder: "eu-central-1" },
      { name: "bucket", label: "Bucket" },
      { name: "key", label: "Object", placeholder: "exports/orders.csv" },
      { name: "access_key", label: "Access key", hint: "Of a user that may read this object and nothing else" },
    ],
    secret: { label: "Secret key" },
    where: (typed) => `${typed.bucket}/${typed.key}`,
  },
  {
    kind: "sftp",
    label: "File by SFTP",
    about: FILE,
    fields: [
      { name: "host", label: "Server", placeholder: "files.shop.example" },
      { name: "port", label: "Port", is: "port", initial: "22" },
      { name: "user", label: "User" },
      { name: "path", label: "File", placeholder: "/exports/orders.csv" },
      {
        name: "host_key",
        label: "The server’s public key",
        hint: "As in known_hosts without the name; no other server is talked to",
        isLong: true,
        placeholder: "ssh-ed25519 AAAA…",
      },
    ],
    secret: {
      label: "Password or private key",
      hint: "A key as OpenSSH writes it, all of its lines, without a passphrase",
      hasLines: true,
    },
    where: (typed) => `${typed.host}${typed.path}`,
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
