"""
ChatServer: serves a ChatKit request, from its JSON to the stream of events.

Knows nothing of HTTP and of the database's tables.
"""

from chatstore.server.chat_server import ChatServer, get_server
from chatstore.server.django_session import DjangoSession
from chatstore.server.model_runs import AgentRun
from chatstore.server.replies import Reply
from chatstore.server.visitors import take_over_visitor, visitor_context

__all__ = [
    "AgentRun",
    "ChatServer",
    "DjangoSession",
    "Reply",
    "get_server",
    "take_over_visitor",
    "visitor_context",
]
