"""First tries of many small requests from one thread, over many connections at once.

Threads that each wait for one answer cost more than the requests themselves once there are dozens of them; and an API server that has
dozens of requests before it writes them to its store together, which makes each of them cheaper.
"""

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from httptools import HttpParserError, HttpResponseParser
from urllib3.exceptions import HTTPError

from cluster.wire import CONNECT_SECONDS, Line, Wire

ANSWER_SECONDS = 10.0
"""Then the request counts as not answered, and its connection is closed."""
GOODBYE_SECONDS = 3.0
"""How long a stop waits for answers under way."""
REST_SECONDS = 1.0
"""After a connection that did not come about nobody tries to open another one as long."""
_WAKE = b"\0"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shot:
    """One request. Both are called in the volley's thread and must not wait.

    `begin` is asked when its turn has come: what to send, or None when it is not to be sent any more. `end` is told the status of the
    answer, or None when there was none, and nobody knows whether the request had an effect.
    """

    begin: Callable[[], bytes | None]
    end: Callable[[int | None], None]


class Volley:
    """Thread-safe. At most `width` requests are under way; the others wait in the order in which they came."""

    def __init__(self, wire: Wire, *, width: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wire = wire
        self._width = width
        self._monotonic = monotonic
        self._waiting: deque[Shot] = deque()
        self._flights: dict[_Flight, None] = {}
        """The eldest first: the order in which they are given up."""
        self._free: list[_Flight] = []
        self._rest_until = 0.0
        self._stop_at: float | None = None
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread: threading.Thread | None = None

    def submit(self, shots: list[Shot]) -> None:
        """Returns at once. After `close` nothing is begun any more."""
        with self._lock:
            if self._stop_at is not None:
                return
            self._waiting.extend(shots)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="volley", daemon=True)
                self._thread.start()
            self._waker.send(_WAKE)

    def close(self) -> None:
        """What has not begun is not begun any more; what is under way may end."""
        with self._lock:
            if self._stop_at is not None:
                return
            self._stop_at = self._monotonic() + GOODBYE_SECONDS
            self._waker.send(_WAKE)
        if self._thread is not None:
            self._thread.join(GOODBYE_SECONDS + CONNECT_SECONDS)
            if self._thread.is_alive():  # it ends by itself, and needs these until then
                return
        self._selector.close()
        self._woken.close()
        self._waker.close()

    @property
    def is_busy(self) -> bool:
        """Whether it holds connections of its own."""
        return bool(self._waiting or self._flights or self._free)

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._goes_on():
            try:
                self._step()
            except Exception:  # whoever waits for an answer would wait for ever
                log.exception("a volley broke off")
                self._drop_all()
                self._rest_until = self._monotonic() + REST_SECONDS  # those who wait go another way meanwhile
        self._drop_all()

    def _step(self) -> None:
        began = self._begin_some()
        for key, _ in self._selector.select(0 if began else self._patience()):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
            elif key.fd in self._selector.get_map():  # not dropped meanwhile
                self._hear(key.data)
        self._give_up()

    def _goes_on(self) -> bool:
        if self._stop_at is None:
            return True
        self._waiting.clear()
        return bool(self._flights) and self._monotonic() < self._stop_at

    def _patience(self) -> float | None:
        """How long to wait for an answer; None when none is awaited."""
        now = self._monotonic()
        for eldest in self._flights:
            until = eldest.until if self._stop_at is None else min(eldest.until, self._stop_at)
            return max(0.0, until - now)
        self._rest()
        return None

    def _begin_some(self) -> bool:
        """Use every free connection, and open at most one: those under way must not wait for many handshakes."""
        while self._waiting and self._free:
            self._begin(self._free.pop())
        if not self._waiting or len(self._flights) >= self._width:
            return False
        if self._monotonic() < self._rest_until:
            self._refuse()
            return True
        try:
            line = self._wire.take(CONNECT_SECONDS)
        except (HTTPError, OSError) as error:
            log.info("no connection", error=str(error))
            self._rest_until = self._monotonic() + REST_SECONDS
            return True
        flight = _Flight(line)
        self._selector.register(line.socket, selectors.EVENT_READ, flight)
        self._begin(flight)
        return True

    def _refuse(self) -> None:
        """No connection, no answer: whoever asked does it another way."""
        shot = self._waiting.popleft()
        if self._asked(shot) is not None:
            self._tell(shot, None)

    def _begin(self, flight: "_Flight") -> None:
        """The next request that is still to be sent; without one the connection is free."""
        while self._waiting:
            shot = self._waiting.popleft()
            request = self._asked(shot)
            if request is None:
                continue
            flight.begin(shot, self._monotonic() + ANSWER_SECONDS)
            self._flights[flight] = None
            try:
                flight.line.socket.settimeout(CONNECT_SECONDS)  # it fits into the socket's buffer
                flight.line.socket.sendall(request)
                flight.line.socket.settimeout(0.0)
            except OSError:
                self._end(flight, None)
            return
        self._free.append(flight)

    def _hear(self, flight: "_Flight") -> None:
        if flight.shot is None:  # a free connection speaks only when the server closes it
            self._free.remove(flight)
            self._drop(flight)
            return
        try:
            status = flight.read()
        except (OSError, HttpParserError):
            self._end(flight, None)
            return
        if status is not None:
            self._end(flight, status)

    def _give_up(self) -> None:
        now = self._monotonic()
        while (eldest := next(iter(self._flights), None)) is not None and eldest.until <= now:
            self._end(eldest, None)

    def _end(self, flight: "_Flight", status: int | None) -> None:
        shot, flight.shot = flight.shot, None
        self._flights.pop(flight, None)
        if status is not None and flight.stays_open:
            self._begin(flight)
        else:
            self._drop(flight)
        if shot is not None:
            self._tell(shot, status)

    def _drop(self, flight: "_Flight") -> None:
        with contextlib.suppress(KeyError, ValueError):  # it is gone already
            self._selector.unregister(flight.line.socket)
        flight.line.close()

    def _drop_all(self) -> None:
        """Every connection, and every request under way is told that there was no answer."""
        shots = [flight.shot for flight in self._flights if flight.shot is not None]
        for flight in [*self._flights, *self._free]:
            self._drop(flight)
        self._flights.clear()
        self._free.clear()
        for shot in shots:
            self._tell(shot, None)

    def _rest(self) -> None:
        """Nobody waits: others may have the connections."""
        while self._free:
            flight = self._free.pop()
            self._selector.unregister(flight.line.socket)
            self._wire.give_back(flight.line)

    def _asked(self, shot: Shot) -> bytes | None:
        try:
            return shot.begin()
        except Exception:  # a broken request must not end the others'
            log.exception("a request could not be made")
            self._tell(shot, None)
            return None

    def _tell(self, shot: Shot, status: int | None) -> None:
        try:
            shot.end(status)
        except Exception:  # as above
            log.exception("an answer could not be told")


class _Flight:
    """One connection, and the request that is under way on it; fed by a parser of HTTP answers."""

    __slots__ = ("_complete", "_parser", "line", "shot", "stays_open", "until")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.shot: Shot | None = None
        self.until = 0.0
        self.stays_open = True
        self._complete = False
        self._parser = HttpResponseParser(self)

    def begin(self, shot: Shot, until: float) -> None:
        self.shot, self.until, self._complete = shot, until, False

    def read(self) -> int | None:
        """The status once the answer is whole; raises OSError, HttpParserError when there will be none."""
        while not self._complete:
            try:
                data = self.line.socket.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None
            if not data:
                raise ConnectionResetError("the server hung up")
            self._parser.feed_data(data)
        return int(self._parser.get_status_code())

    def on_message_complete(self) -> None:
        """The parser's word; "go on" (1xx) is no answer yet."""
        if self._parser.get_status_code() >= 200:
            self._complete = True
            self.stays_open = self._parser.should_keep_alive()
