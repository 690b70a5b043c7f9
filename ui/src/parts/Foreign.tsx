// HTML that a server made of Markdown, as elements of this app: only what is listed here is taken over, everything else
// is its text. Nothing is ever set as HTML.

import { createElement, type ReactNode } from "react";

const KNOWN = new Set([
  "p",
  "h1",
  "h2",
  "h3",
  "h4",
  "h5",
  "h6",
  "ul",
  "ol",
  "li",
  "strong",
  "em",
  "del",
  "code",
  "pre",
  "blockquote",
  "table",
  "thead",
  "tbody",
  "tr",
  "th",
  "td",
  "hr",
  "br",
]);
const VOID = new Set(["hr", "br"]);

export function Foreign({ html }: { html: string }) {
  // A document that is parsed so runs nothing and loads nothing.
  const { body } = new DOMParser().parseFromString(html, "text/html");
  return <div className="foreign">{children(body)}</div>;
}

function children(node: Node): ReactNode[] {
  return [...node.childNodes].map(read);
}

function read(node: Node, key: number): ReactNode {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (!(node instanceof Element) || ["SCRIPT", "STYLE"].includes(node.tagName)) return null;
  const name = node.tagName.toLowerCase();
  if (name === "a") {
    const address = node.getAttribute("href") ?? "";
    if (!/^https?:\/\/|^mailto:/.test(address)) return createElement("span", { key }, ...children(node));
    return createElement("a", { key, href: address, rel: "noopener noreferrer", target: "_blank" }, ...children(node));
  }
  if (name === "img") return createElement("em", { key }, node.getAttribute("alt") ?? "");
  if (!KNOWN.has(name)) return createElement("span", { key }, ...children(node));
  // A heading of a foreign text is none of this page's.
  const shown = /^h[12]$/.test(name) ? "h3" : name;
  return VOID.has(name) ? createElement(shown, { key }) : createElement(shown, { key }, ...children(node));
}
