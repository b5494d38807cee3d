"""The official MCP client over both transports: every tool is listed, described and called."""

import asyncio
import json
import os
import subprocess
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

KEY = os.environ["HAETAE_API_KEY"]
# What each tool is called with, and whether a result is expected of the invented world.
CALLS = {
    "search_corpora": {"question": "Is a buying commission part of the customs value?"},
    "open_passage": {"id": "valuation-021-en"},
    "customs_value": {
        "case": {
            "declared": "2025-03-14",
            "currency": "USD",
            "goods": [{"description": "compressors", "price": "USD 50000", "duty_percent": "8"}],
            "nothing_else": True,
            "sale": {"kind": "sale"},
            "rates": [{"currency": "USD", "rate": "1350", "week": "2025-03-14"}],
            "transport": {
                "incoterm": "FOB",
                "insured": False,
                "costs": [{"kind": "freight", "amount": "USD 2000"}],
            },
        }
    },
    "hs_recommend": {"text": "wireless earbuds"},
    "exchange_rate": {"currency": "USD", "date": "2025-03-14"},
    "tariff_rate": {"hs": "420222"},
    "risk_score": {"declaration": "D00000012"},
    "risk_of_imports": {"importer": "C000005"},
    "high_risk_groups": {"by": "origin"},
    "price_check": {"importer": "C000005"},
    "find_company": {"name": "C000005"},
    "company_profile": {"company": "C000005"},
    "delinquency_score": {"company": "C000005"},
    "network_around": {"company": "C000005"},
    "network_path": {"a": "C000005", "b": "C000012"},
    "network_patterns": {},
    "compare_marks": {"a": "no-such-a.png", "b": "no-such-b.png"},
    "dataset_job": {"name": "questions", "action": "pause"},
    "export_dossier": {"run": "R0", "format": "markdown"},
}
# Need what a fresh home does not have: images, tables of descriptions.
MAY_FAIL = {"compare_marks", "hs_recommend"}


async def check(session: ClientSession) -> None:
    await session.initialize()
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert set(tools) == set(CALLS), set(tools) ^ set(CALLS)
    for name, tool in tools.items():
        assert tool.description and tool.inputSchema["type"] == "object", name
        assert tool.annotations.readOnlyHint == (name not in ("export_dossier", "dataset_job")), name
    for name, arguments in CALLS.items():
        result = await session.call_tool(name, arguments)
        told = result.content[0].text
        assert told, name
        if result.isError:
            assert name in MAY_FAIL, f"{name}: {told}"
        else:
            assert result.structuredContent["result"] is not None, name
    wrong = await session.call_tool("risk_score", {"declaration": "D00000012", "extra": 1})
    assert wrong.isError and "extra" in wrong.content[0].text, wrong
    waits = await session.call_tool("export_dossier", {"run": "R0"})
    assert waits.structuredContent["result"]["state"] == "pending", waits


async def over_http() -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    url = os.environ["HAETAE_URL"] + "/mcp"
    async with streamablehttp_client(url, headers=headers) as (read, write, _):
        async with ClientSession(read, write) as session:
            await check(session)


async def over_stdio() -> None:
    command = StdioServerParameters(
        command=os.environ["HAETAE"], args=["--home", os.environ["HAETAE_HOME"], "mcp"], env=dict(os.environ)
    )
    async with stdio_client(command) as (read, write):
        async with ClientSession(read, write) as session:
            await check(session)


def speaks(version: str) -> None:
    """A client of an earlier revision is answered in its own."""
    hello = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "old", "version": "0"}},
    }
    command = [os.environ["HAETAE"], "--home", os.environ["HAETAE_HOME"], "mcp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        for message in (hello, {"jsonrpc": "2.0", "method": "notifications/initialized"}, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}):
            server.stdin.write(json.dumps(message) + "\n")
            server.stdin.flush()
        answered = json.loads(server.stdout.readline())["result"]["protocolVersion"]
        assert answered == version, f"asked in {version}, answered in {answered}"
        assert json.loads(server.stdout.readline())["result"]["tools"]
        server.kill()


for revision in ("2025-06-18", "2025-03-26"):
    speaks(revision)
asyncio.run(over_http())
asyncio.run(over_stdio())
print("ok", file=sys.stderr)
