"""All nodes and pods the kubelet plays, and the one lock that guards them."""

import threading
from dataclasses import dataclass, field

from cluster.simulator.gpus import Load
from cluster.simulator.kubelet.lives import NodeAgent, PodLife
from cluster.simulator.stages import is_over


@dataclass
class Roster:
    """Take the lock to read more than one thing or to change any; make no network call under it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    agents: dict[str, NodeAgent] = field(default_factory=dict)
    lives: dict[str, PodLife] = field(default_factory=dict)
    """By pod uid."""
    by_key: dict[tuple[str, str], PodLife] = field(default_factory=dict)
    """By (namespace, name)."""

    def agent_at(self, ip: str) -> NodeAgent | None:
        """The node that answers at an address."""
        with self.lock:
            return next((agent for agent in self.agents.values() if agent.ip == ip), None)

    def pod_at(self, ip: str) -> PodLife | None:
        """The pod with an address."""
        with self.lock:
            return next(
                (life for life in self.lives.values() if life.ip == ip and not is_over(life.state)), None
            )

    def loads(self, agent: NodeAgent) -> dict[str, Load]:
        """What the node's pods do to its devices now, by pod uid."""
        with self.lock:
            present = {uid: life.present_load() for uid, life in agent.pods.items() if life.devices}
        return {uid: load for uid, load in present.items() if load is not None}
