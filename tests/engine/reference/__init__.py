"""A plain scheduler written from the rules, slow and simple: the oracle that the real engine is compared with.

It shares the model, the fair-share division and the reclaim rules with the engine (both are checked against recorded
pairs) and nothing else: no index, no heap, no shortcut. Every question is answered by looking at every task; only the sums of a
node or queue and the rank of a gang are kept until a task moves there.
"""

from tests.engine.reference.cycle import run_cycle

__all__ = ["run_cycle"]
