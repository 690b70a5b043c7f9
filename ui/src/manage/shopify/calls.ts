// Requests about the shop.

import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";

export type Shop = components["schemas"]["ShopView"];

export const shopKey = ["shopify"];

export const shop = (signal: AbortSignal) => answer(client.GET("/api/integrations/shopify", { signal }));
export const beginInstall = (domain: string) =>
  answer(client.POST("/api/integrations/shopify/install", { body: { shop: domain } }));
export const syncShop = () => answer(client.POST("/api/integrations/shopify/sync", { body: {} }));
export const disconnectShop = () => answer(client.DELETE("/api/integrations/shopify"));
