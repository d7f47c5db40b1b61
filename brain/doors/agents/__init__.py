"""The door for agents: the Model Context Protocol, over standard streams or mounted in the server.

`tools` names what an agent can call, `calls` does it with a `Brain`, `server` speaks the protocol. What an agent may
see and whether it may propose is said when the door is opened, never by a call. Serves `brain mcp` and `brain serve`.
"""
