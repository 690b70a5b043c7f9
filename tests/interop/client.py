"""The official Python client of the Model Context Protocol against a running server: python client.py URL

Prints one line for each revision and `figure: interop_failures N checks`; the exit code is 1 when there is a failure.
"""

import asyncio
import os
import sys
import traceback

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

# A revision, and how the client is told to speak it.
MODES = {"2025-11-25": "legacy", "2026-07-28": "2026-07-28", "negotiated": "auto"}
VARIANTS = {
    "analyze_customers": ("analysis_type", ["churn_risk", "b2b_identification", "high_value", "behavioral", "product_affinity", "rfm_score"]),
    "analyze_segments": ("analysis_type", ["segment_overview", "segment_growth", "seasonal_segments", "segment_comparison"]),
    "analyze_products": ("analysis_type", ["revenue_by_category", "category_repurchase_rate"]),
    "forecast_metrics": ("metric", ["revenue", "customer_count", "average_ltv", "churn_rate"]),
    "target_campaign": ("campaign_type", ["retention", "growth", "winback", "seasonal", "loyalty", "acquisition"]),
    "analyze_behavior": ("analysis_type", ["one_time_buyers", "momentum_analysis", "declining_engagement", "behavior_change", "purchase_cadence", "discount_dependency"]),
    "get_recommendations": ("recommendation_type", ["upsell_candidates", "cross_sell_opportunities", "expansion_targets", "winback_strategy", "retention_actions", "discount_strategy"]),
}


class Checks:
    def __init__(self):
        self.done = 0
        self.failed = 0

    def that(self, holds, what):
        self.done += 1
        if not holds:
            self.failed += 1
            print(f"failed: {what}")


async def speak(url, key, mode, checks):
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            checks.that(client.server_info is None or client.server_info.name == "deskwork", f"{mode}: the server's name")
            tools = (await client.list_tools()).tools
            checks.that(len(tools) == 8, f"{mode}: eight tools")
            checks.that(all(tool.output_schema and tool.annotations.read_only_hint for tool in tools), f"{mode}: schemas and hints")
            for tool, (field, names) in VARIANTS.items():
                for name in names:
                    # The client itself holds the structured content against the output schema.
                    result = await client.call_tool(tool, {field: name})
                    content = result.structured_content
                    checks.that(not result.is_error and content["variant"] == name, f"{mode}: {tool} {name}: {result}")
                    checks.that(content["available"] or content["reason"], f"{mode}: {tool} {name} says why not")
            wrong = await client.call_tool("analyze_customers", {"analysis_type": "everything"})
            checks.that(wrong.is_error, f"{mode}: a wrong parameter is told")
            nobody = await client.call_tool("lookup_customer", {"info_type": "profile", "customer_id": "nobody"})
            checks.that(nobody.is_error, f"{mode}: an unknown customer is told")
            try:
                await client.call_tool("drop_tables", {})
                checks.that(False, f"{mode}: an unknown tool is refused")
            except Exception as error:
                checks.that("analyze_customers" in str(error), f"{mode}: the refusal names the tools: {error}")
            for resource in (await client.list_resources()).resources:
                read = await client.read_resource(resource.uri)
                checks.that(read.contents[0].mime_type == "application/json", f"{mode}: {resource.uri}")
            prompts = (await client.list_prompts()).prompts
            checks.that(len(prompts) == 4, f"{mode}: four prompts")
            prompt = await client.get_prompt("plan_campaign", {"campaign": "winback"})
            checks.that("winback" in prompt.messages[0].content.text, f"{mode}: a prompt with its argument")
            return client.protocol_version


async def main(url, key):
    checks = Checks()
    for name, mode in MODES.items():
        try:
            version = await speak(url, key, mode, checks)
            print(f"{name}: spoke {version}")
            checks.that(name in ("negotiated", version), f"{name}: spoke {version}")
        except Exception:
            traceback.print_exc()
            checks.that(False, f"{name}: broke off")
    try:
        await speak(url, "dsk_nothing", "legacy", Checks())
        checks.that(False, "a wrong key comes in")
    except Exception:
        checks.that(True, "a wrong key is refused")
    print(f"figure: interop_checks {checks.done} checks")
    print(f"figure: interop_failures {checks.failed} checks")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], os.environ["DESK_API_KEY"])))
