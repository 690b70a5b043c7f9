// A macro on a ticket: one is chosen, looked at and used.

import { useState } from "react";
import type { Macro } from "../../manage/macros/calls.ts";
import { Dialog } from "../../parts/Dialog.tsx";
import { MacroList } from "./MacroList.tsx";
import { TEXTS } from "./texts.ts";
import { type Props, UseMacro } from "./UseMacro.tsx";

export function MacroDialog(props: Props) {
  const [words, setWords] = useState("");
  const [macro, setMacro] = useState<Macro | null>(null);
  // What comes while the dialog stands before the conversation is not in sight.
  const [lastSeen] = useState(props.lastSeen);
  const { edited } = props;
  // Whoever leaves a macro, or has used it, leaves its text.
  const leave = () => {
    edited.current = "";
    props.onClose();
  };
  const back = () => {
    edited.current = "";
    setMacro(null);
  };
  return (
    <Dialog
      onClose={leave}
      title={macro ? `${TEXTS.title}: ${macro.name}` : TEXTS.title}
      size="lg"
      // A click beside it does not throw away what was changed.
      closeOnClickOutside={macro === null}
    >
      {macro ? (
        <UseMacro {...props} onClose={leave} lastSeen={lastSeen} macro={macro} onBack={back} />
      ) : (
        <MacroList words={words} onWords={setWords} onPick={setMacro} />
      )}
    </Dialog>
  );
}
