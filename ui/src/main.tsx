// Starts the app: the nonce of this page for every style that is made at run time, the cache, the router.

import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "./styles.css";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { mayHelpAgain } from "./api/problem.ts";
import { router } from "./router.tsx";
import { theme } from "./theme.ts";

const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
if (nonce) setNonce(nonce);

// A new version was deployed while this page was open: its files are gone, the new page has others. Once, not for ever.
window.addEventListener("vite:preloadError", (event) => {
  if (sessionStorage.getItem("deskwork.reloaded")) return;
  sessionStorage.setItem("deskwork.reloaded", "yes");
  event.preventDefault();
  window.location.reload();
});

const cache = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always",
      staleTime: 1_000,
      retry: (failures, error) => failures < 2 && mayHelpAgain(error),
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 5_000) * (0.5 + Math.random()),
      refetchOnWindowFocus: true,
    },
    mutations: { networkMode: "always", retry: false },
  },
});

createRoot(document.getElementById("app") as HTMLElement).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
