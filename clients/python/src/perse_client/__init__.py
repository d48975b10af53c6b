"""Typed client of perse, the self-hosted biometric server: face and voice, sync and async.

What the methods answer are the dataclasses of ``perse_client.operations``; what they raise is in
``perse_client.errors``.
"""

from perse_client.async_client import AsyncClient
from perse_client.client import Client
from perse_client.errors import (
    PerseError,
    ReferenceUnusable,
    RequestError,
    SampleError,
    ServerError,
    TryLater,
)
from perse_client.operations.subjects import KEEP
from perse_client.patience import Patience

__version__ = "0.1.0"
__all__ = [
    "KEEP",
    "AsyncClient",
    "Client",
    "Patience",
    "PerseError",
    "ReferenceUnusable",
    "RequestError",
    "SampleError",
    "ServerError",
    "TryLater",
]
