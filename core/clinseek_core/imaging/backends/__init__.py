"""Who answers the image tools that need a model: records, a model here, an endpoint, an MCP server."""

from clinseek_core.imaging.backends.port import Answer, Backend, BackendError, BackendName

__all__ = ["Answer", "Backend", "BackendError", "BackendName"]
