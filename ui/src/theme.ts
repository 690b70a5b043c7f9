// Colours and defaults. Mantine's own shades miss the contrast of WCAG AA, so filled things are a shade darker, and
// buttons that show a cross only have a name.

import { Alert, createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: 8,
  defaultRadius: "sm",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif",
  respectReducedMotion: true,
  components: {
    ModalCloseButton: { defaultProps: { "aria-label": "Close" } },
    Modal: { defaultProps: { closeButtonProps: { "aria-label": "Close" }, transitionProps: { duration: 0 } } },
    Notification: { defaultProps: { closeButtonProps: { "aria-label": "Close this message" } } },
    // Its place for the first focus is no item, which a menu may not contain.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    // Orange of Mantine is no colour for words on white.
    Alert: Alert.extend({
      styles: (_theme, { color }) => (color === "orange" ? { title: { color: "var(--warn)" } } : {}),
    }),
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300 } },
    Table: { defaultProps: { verticalSpacing: 6, horizontalSpacing: "sm", highlightOnHover: true } },
    Button: { defaultProps: { size: "xs" } },
    TextInput: { defaultProps: { size: "xs" } },
    Select: { defaultProps: { size: "xs" } },
    NumberInput: { defaultProps: { size: "xs" } },
  },
});
