"""An operation that is described becomes a method of a client."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from perse_client.call import Call, Listing

T = TypeVar("T")
P = ParamSpec("P")
Page = TypeVar("Page")
_SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)


class Blocks(Protocol):
    def carry_out(self, call: Call[T], /) -> T: ...


class Awaits(Protocol):
    async def carry_out(self, call: Call[T], /) -> T: ...


def blocking(describe: Callable[P, Call[T]]) -> Callable[Concatenate[Blocks, P], T]:
    """A method that carries out the call."""

    def method(client: Blocks, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.carry_out(describe(*args, **kwargs))

    return _dressed(method, describe)


def awaiting(describe: Callable[P, Call[T]]) -> Callable[Concatenate[Awaits, P], Awaitable[T]]:
    """A coroutine method that carries out the call."""

    async def method(client: Awaits, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.carry_out(describe(*args, **kwargs))

    return _dressed(method, describe)


def iterating(
    describe: Callable[P, Listing[T, Page]],
) -> Callable[Concatenate[Blocks, P], Iterator[T]]:
    """A method that iterates over all pages."""

    def method(client: Blocks, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        listing = describe(*args, **kwargs)
        call: Call[Page] | None = listing.first
        while call:
            page = client.carry_out(call)
            yield from listing.items(page)
            call = listing.following(page)

    return _dressed(method, describe)


def async_iterating(
    describe: Callable[P, Listing[T, Page]],
) -> Callable[Concatenate[Awaits, P], AsyncIterator[T]]:
    """A method that iterates over all pages without blocking."""

    async def method(client: Awaits, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        listing = describe(*args, **kwargs)
        call: Call[Page] | None = listing.first
        while call:
            page = await client.carry_out(call)
            for item in listing.items(page):
                yield item
            call = listing.following(page)

    return _dressed(method, describe)


Method = TypeVar("Method", bound=Callable[..., Any])


def _dressed(method: Method, described: Callable[..., Any]) -> Method:
    """The method with the name, the words and the parameters of what it does."""
    update_wrapper(method, described)
    del method.__dict__["__wrapped__"]
    said = inspect.signature(described)
    parameters = [_SELF, *said.parameters.values()]
    shown = said.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    method.__dict__["__signature__"] = shown
    return method
