"""The connection to a Ray cluster: the only module that knows Ray.

What is asked of an actor and what it answers are bytes. Ray writes down what passes through it: in
logs, in tables of the head node, and what is large in the memory and on the disks of its object
store. So nothing may pass here that must not be read there.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

from perse.cluster.control_thread import CONTROL
from perse.cluster.security import LOCAL, check_closed, close_local
from perse.errors import ClusterUnavailable, PerseError, SettingsInvalid

# A search answers after seconds what a dead head node would keep waiting for minutes.
_REACHED_WITHIN_S: Final = 3.0
_CONNECTED_WITHIN_S: Final = 60.0
_MADE_WITHIN_S: Final = 10.0
_LEFT_WITHIN_S: Final = 5.0
# Nothing of ours lies in there; less than this Ray does not take.
_OBJECT_STORE_BYTES: Final = 80_000_000
_FOR_EVER_S: Final = "1000000000"


@dataclass(frozen=True, slots=True)
class Berth:
    """Where an actor runs. ``name``: who asks for another one of that name in the namespace gets
    the same; it then outlives who started it, and is started again elsewhere when it is lost.
    ``memory_bytes``: what the node must have left of the memory that it was started with.
    ``place``: on the first node, the second, and so on, and from the first on again; on another one
    where that one has no room; None = anywhere."""

    name: str | None = None
    cpus: float = 1
    memory_bytes: int = 0
    threads: int = 1
    place: int | None = None


class Actor:
    """An object that runs somewhere in the cluster."""

    def __init__(self, handle: object, ray: ModuleType) -> None:
        self._handle, self._ray = handle, ray

    def ask(self, method: str, *given: object) -> Future[Any]:
        """Begin to call one of its methods. The future raises the PerseError that the method
        raised, or ClusterUnavailable where the actor is lost."""
        answer: Future[Any] = Future()
        reference = getattr(self._handle, method).remote(*given)
        reference.future().add_done_callback(lambda done: _pass_on(done, answer, self._ray))
        return answer

    def end(self) -> None:
        """At once, and for good."""
        self._ray.kill(self._handle)


class Cluster:
    """Of this process, which has one at most. Safe to share between threads."""

    def __init__(self, ray: ModuleType) -> None:
        self._ray = ray

    def actor(self, made_by: Callable[..., object], *given: object, berth: Berth) -> Actor:
        """An object that the class ``made_by`` makes of ``given`` on some node that has perse, too.
        What is given is no secret: the node has those."""
        options: dict[str, Any] = {
            "num_cpus": berth.cpus,
            "max_concurrency": berth.threads,
            "memory": berth.memory_bytes or None,
            "max_task_retries": 0,
            "scheduling_strategy": self._strategy(berth.place),
        }
        if berth.name:
            options |= {
                "name": berth.name,
                "get_if_exists": True,
                "lifetime": "detached",
                "max_restarts": -1,
            }
        remote = self._ray.remote(made_by).options(**options)
        return Actor(CONTROL.within(_MADE_WITHIN_S, lambda: remote.remote(*given)), self._ray)

    @property
    def nodes(self) -> list[str]:
        """Those that are there now and run actors, in an order that stays."""
        alive = [it for it in self._ray.nodes() if it["Alive"] and it["Resources"].get("CPU")]
        return sorted(it["NodeID"] for it in alive)

    @property
    def cpus(self) -> float:
        """Of all nodes together."""
        return float(self._ray.cluster_resources().get("CPU", 0))

    def close(self) -> None:
        with suppress(ClusterUnavailable):  # the process ends anyway
            CONTROL.within(_LEFT_WITHIN_S, self._ray.shutdown)

    def _strategy(self, place: int | None) -> object:
        nodes = [] if place is None else CONTROL.within(_MADE_WITHIN_S, lambda: self.nodes)
        if place is None or not nodes:
            return "SPREAD"
        affinity = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        return affinity(nodes[place % len(nodes)], soft=True, _spill_on_unavailable=True)


def connect(
    address: str, *, namespace: str, environment: Mapping[str, str] = os.environ
) -> Cluster:
    """``address``: ``host:port`` of the head node, or ``local`` for a Ray on this machine alone,
    which ends with the process.

    Raises SettingsInvalid where the extra is not installed or the cluster would be open to others,
    ClusterUnavailable where it does not answer.
    """
    if address == LOCAL:
        close_local(os.environ)  # before the import, at which Ray decides whom it lets in
        ray = _ray()
        return _connected(ray, (address, namespace), lambda: _start(ray, namespace))
    ray = _ray()
    check_closed(environment)
    _reach(address)
    return _connected(ray, (address, namespace), lambda: _join(ray, address, namespace))


def check_usable(address: str, environment: Mapping[str, str] = os.environ) -> None:
    """What ``connect`` needs, without connecting or importing anything, so that a process may be
    forked afterwards. Raises SettingsInvalid."""
    if find_spec("ray") is None:
        raise _not_installed()
    if address != LOCAL:
        _split(address)
        check_closed(environment)


def _not_installed() -> SettingsInvalid:
    return SettingsInvalid(
        "a cluster needs Ray, which is not installed: pip install 'perse[cluster]'"
    )


def end_this_actor() -> None:
    """For good, from inside of it."""
    ray = _ray()
    ray.kill(ray.get_runtime_context().current_actor)


def _ray() -> ModuleType:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before the import: nobody is told
    # Else Ray ends the process, this server, when the head node is gone for a minute.
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", _FOR_EVER_S)
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "5")  # of connecting, once a second
    # Else actors have what others of this machine leave over (nice 15), who may leave nothing.
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        import ray.util.scheduling_strategies  # noqa: F401, PLC0415 - only who asks pays for it
    except ImportError:
        raise _not_installed() from None
    return sys.modules["ray"]


def _start(ray: ModuleType, namespace: str) -> None:
    ray.init(
        address=LOCAL,
        _node_ip_address="127.0.0.1",
        namespace=namespace,
        object_store_memory=_OBJECT_STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
    )


def _join(ray: ModuleType, address: str, namespace: str) -> None:
    ray.init(address=address, namespace=namespace, log_to_driver=False, configure_logging=False)


def _connected(
    ray: ModuleType, whereto: tuple[str, str], connect_now: Callable[[], None]
) -> Cluster:
    """A connection that was made too late for one caller is that of the next."""
    try:
        CONTROL.within(_CONNECTED_WITHIN_S, connect_now, purpose=whereto)
    except PerseError:
        raise
    except Exception as problem:  # Ray tells a wrong token and a wrong certificate no better
        raise ClusterUnavailable(
            "the cluster does not let this machine in: is the token the cluster's, and are its "
            f"certificate and this machine's of one authority? ({type(problem).__name__})"
        ) from None
    return Cluster(ray)


def _reach(address: str) -> None:
    host, port = _split(address)
    try:
        socket.create_connection((host, port), _REACHED_WITHIN_S).close()
    except OSError:
        raise ClusterUnavailable(f"nobody answers at {address}") from None


def _split(address: str) -> tuple[str, int]:
    """Raises SettingsInvalid."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise SettingsInvalid(
            f"a cluster's address is that of its head node, such as 10.0.0.5:6379, or {LOCAL}"
        )
    return host, int(port)


def _pass_on(done: Future[Any], answer: Future[Any], ray: ModuleType) -> None:
    problem = done.exception()
    if problem is None:
        answer.set_result(done.result())
    elif isinstance(problem, ray.exceptions.RayTaskError) and isinstance(problem.cause, PerseError):
        answer.set_exception(problem.cause)
    else:
        answer.set_exception(ClusterUnavailable(f"an actor is lost: {type(problem).__name__}"))
