"""The Model Context Protocol over what `calls` answers: the list of tools, their calls, and documents as resources.

Of the library its lower layer is taken, which leaves the schemas and the check of arguments to us: the upper one lets
arguments pass that it does not know. Leaves the transports to `stdio` and `mounted`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from brain import __version__
from brain.doors.agents import tools
from brain.doors.agents.calls import ABOUT, address
from brain.doors.agents.fence import cut
from brain.doors.agents.shapes import Reply, Values

if TYPE_CHECKING:
    from brain.doors.agents.rights import Rights

Answer = Callable[[str, Values, str], Awaitable[Reply]]
"""(name of a tool, its arguments, which program calls) -> the reply."""

INSTRUCTION_CHARACTERS = 2_048
NAME = "brain"
TEMPLATE = address("{id}")
UNKNOWN = "an agent"
BEGINS = ("initialize", "server/discover")  # methods that a program begins with


@dataclass(slots=True)
class Door:
    """What answers, what the agent may, what the store is, and whether a question may leave this machine."""

    answer: Answer
    rights: Rights
    about: str = ""
    cloud: bool = False

    async def learn(self) -> None:
        """Ask what the store is; where that cannot be told just now, what was known stays."""
        known = await self.answer(ABOUT, {}, UNKNOWN)
        if not known.failed:
            self.about = known.text
            self.cloud = bool(known.data.get("cloud"))

    async def list_tools(self, _context: Any, _params: Any) -> types.ListToolsResult:
        """All of them, at once."""
        writes, chatgpt = self.rights.writes, self.rights.chatgpt
        offered = tools.offered(writes=writes, chatgpt=chatgpt)
        return types.ListToolsResult(tools=[self._described(tool) for tool in offered])

    async def call_tool(self, context: Any, params: Any) -> types.CallToolResult:
        """One call; what went wrong is said in the result, so that the model reads it."""
        given = params.arguments or {}
        reply = await self.answer(params.name, given, caller(context))
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=reply.text)],
            structured_content=None if reply.failed else reply.data,
            is_error=reply.failed,
        )

    async def list_resources(
        self, _context: Any, _params: Any
    ) -> types.ListResourcesResult:
        """None: a store has too many; the template says how one is named."""
        return types.ListResourcesResult(resources=[])

    async def list_templates(
        self, _context: Any, _params: Any
    ) -> types.ListResourceTemplatesResult:
        """A document by its id."""
        template = types.ResourceTemplate(
            name="document",
            title="A document",
            uri_template=TEMPLATE,
            description="The text of a document, by the id that `search` gives.",
            mime_type="text/plain",
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(
        self, context: Any, params: Any
    ) -> types.ReadResourceResult:
        """A document as `read` gives it. Raises `MCPError` for what may not be seen."""
        uri = str(params.uri)
        reference = uri.removeprefix(address(""))
        given = {"ref": reference}
        reply = await self.answer(tools.READ.name, given, caller(context))
        if reply.failed or reference == uri:
            raise MCPError(types.INVALID_PARAMS, reply.text)
        text = types.TextResourceContents(
            uri=uri, mime_type="text/plain", text=reply.text
        )
        return types.ReadResourceResult(contents=[text])

    def server(self, *, lasting: bool = False) -> Server[Any]:
        """The server of the protocol, of both its generations. `lasting`: it serves one program after the other, and
        tells each that begins what the store is by then.
        """
        made: Server[Any] = Server(
            NAME,
            version=__version__,
            title="brain",
            instructions=self._instructions(),
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_list_resources=self.list_resources,
            on_list_resource_templates=self.list_templates,
            on_read_resource=self.read_resource,
        )
        made.middleware.clear()  # traces of calls go nowhere

        async def learned(ctx: Any, call_next: Any) -> Any:
            if ctx.method in BEGINS or not self.about:
                await self.learn()
                made.instructions = self._instructions()
            return await call_next(ctx)

        if lasting:
            made.middleware.append(learned)
        return made

    def _instructions(self) -> str:
        return cut(self.about, INSTRUCTION_CHARACTERS - 2)

    def _described(self, tool: tools.Tool) -> types.Tool:
        outside = self.cloud and tool is tools.ASK
        hints = types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.reads,
            destructive_hint=False,
            open_world_hint=outside,
        )
        return types.Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=tool.schema,
            annotations=hints,
        )


def caller(context: Any) -> str:
    """The name that the program gives itself."""
    told = context.session.client_params
    if told is None or not told.client_info.name:
        return UNKNOWN
    return str(told.client_info.name)[: tools.SHORT_CHARACTERS]
