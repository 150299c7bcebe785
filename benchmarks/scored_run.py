"""What the result files say about a recorded run that was scored."""

from collections.abc import Collection, Iterable

from benchmarks.result import Row
from kernel.records import ExecutionStatus
from validation import statistics
from validation.runs.records import Round


def scored_row(right: Collection[bool], rounds: Iterable[Round], solves: int) -> Row:
    """Return right answers with their interval, tokens, and code blocks.

    Args:
        right: whether each problem was.
        rounds: all generations that count.
        solves: that they belong to.
    """
    interval = statistics.wilson(sum(right), len(right))
    generations = list(rounds)
    blocks = [each.ran.status for each in generations if each.ran]
    return {
        "right": sum(right),
        "problems": len(right),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "tokens_a_problem": round(sum(each.tokens for each in generations) / solves),
        "code_blocks": len(blocks),
        "code_blocks_failed": sum(status is not ExecutionStatus.OK for status in blocks),
    }
