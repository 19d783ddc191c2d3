"""attach: shows what a container writes from now on. It can be given nothing, for no program runs that would read it."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from cluster import clock
from cluster.simulator.connecting import NO_INPUT
from cluster.simulator.kubelet.executing import ended_with, failed
from cluster.simulator.kubelet.log_lines import Run
from cluster.simulator.kubelet.logs import LogRequest, follow_log
from cluster.simulator.kubelet.web_socket import STDOUT, Channels


def attach(run: Run, present: Callable[[Run], Run | None], query: str, channels: Channels) -> None:
    """Until the container ends or the client goes. `present` gives the same run as it is by now."""
    if ("input", "1") in parse_qsl(query):
        channels.finish(failed(NO_INPUT))
        return
    gone = channels.listen()
    request = LogRequest(follow=True, since=clock.now())
    for piece in follow_log(run, request, lambda run: None if gone.is_set() else present(run)):
        channels.write(STDOUT, piece)
    channels.finish(ended_with(0))
