// A dialog that is there for as long as it is rendered. When it is gone the focus is where it came from: at the button
// that opened it, or that opened the menu in which it was chosen, so that whoever uses keys goes on from there.

import { Modal, type ModalProps } from "@mantine/core";
import { useEffect, useState } from "react";

/** What opened the outermost dialog: for one that follows another whose buttons are gone. */
let outside: HTMLElement | null = null;

export function Dialog(props: Omit<ModalProps, "opened" | "returnFocus">) {
  const [opener] = useState(openerNow);
  useEffect(() => () => void setTimeout(() => giveBack(opener)), [opener]);
  return <Modal opened returnFocus={false} {...props} />;
}

function openerNow(): HTMLElement | null {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || active === document.body) {
    // A button of the dialog before this one, that was pressed and is switched off while it works, has no focus any more.
    if (!document.querySelector("[role=dialog]")) outside = null;
    return outside;
  }
  const menu = active.closest("[role=menu]");
  const opener = (menu && document.getElementById(menu.getAttribute("aria-labelledby") ?? "")) ?? active;
  if (!opener.closest("[role=dialog]")) outside = opener;
  return opener;
}

/** Not where something else has it by now, such as the next dialog. */
function giveBack(opener: HTMLElement | null) {
  if (document.activeElement && document.activeElement !== document.body) return;
  const place = opener?.isConnected ? opener : outside;
  if (place?.isConnected) place.focus();
}
