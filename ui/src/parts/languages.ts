// Languages by their codes (ISO 639-1), named for people.

const CODES =
  "af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko ky lo lt lv mk ml mn mr ms my nb ne nl nn no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi zh zu";

const names = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/** de -> German. A code that names no language stays what it is. */
export function languageName(code: string): string {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

/** Those that people write in, by name. */
export const LANGUAGES: { value: string; label: string }[] = CODES.split(" ")
  .map((value) => ({ value, label: languageName(value) }))
  .sort((one, other) => one.label.localeCompare(other.label));
