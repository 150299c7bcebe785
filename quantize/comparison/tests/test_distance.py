"""The figures of a comparison, against numbers worked out by hand."""

import math

import pytest
import torch

from quantize.comparison.distance import WORST, Distance


def logits(*rows: list[float]) -> torch.Tensor:
    """Return logits that give exactly these probabilities."""
    return torch.tensor(rows, dtype=torch.float64).log()


def collect(first: torch.Tensor, second: torch.Tensor, targets: list[int]) -> Distance:
    distance = Distance()
    distance.add(first, second, torch.tensor(targets))
    return distance


def test_kl_and_perplexity_by_hand() -> None:
    found = collect(logits([0.5, 0.25, 0.25]), logits([0.25, 0.5, 0.25]), [0])
    # 0.5 ln 2 + 0.25 ln(1/2) + 0 = 0.25 ln 2
    assert found.mean_kl == pytest.approx(0.25 * math.log(2), abs=1e-6)
    assert found.original_perplexity == pytest.approx(2, abs=1e-5)
    assert found.quantized_perplexity == pytest.approx(4, abs=1e-5)
    assert found.largest == pytest.approx(math.log(2), abs=1e-6)
    assert found.top1 == 0


def test_perplexity_is_the_geometric_mean() -> None:
    both = logits([0.5, 0.5], [0.125, 0.875])
    found = collect(both, both, [1, 0])
    assert found.original_perplexity == pytest.approx(4, abs=1e-5)
    assert found.mean_kl == pytest.approx(0, abs=1e-7)
    assert found.top1 == 1


def test_divergence_is_taken_of_the_original_first() -> None:
    p, q = logits([0.9, 0.1]), logits([0.5, 0.5])
    forward = 0.9 * math.log(1.8) + 0.1 * math.log(0.2)
    assert collect(p, q, [0]).mean_kl == pytest.approx(forward, abs=1e-6)
    assert collect(q, p, [0]).mean_kl != pytest.approx(forward, abs=1e-3)


def test_a_shift_of_all_logits_changes_nothing_but_their_difference() -> None:
    p = logits([0.7, 0.2, 0.1])
    found = collect(p, p + 3, [0])
    assert found.mean_kl == pytest.approx(0, abs=1e-6)
    assert found.largest == pytest.approx(3, abs=1e-6)


def test_chunks_add_up_to_the_whole() -> None:
    torch.manual_seed(1)
    first, second = torch.randn(50, 20), torch.randn(50, 20)
    targets = torch.randint(20, (50,))
    whole = collect(first, second, targets.tolist())
    parts = Distance()
    for start in range(0, 50, 7):
        part = slice(start, start + 7)
        parts.add(first[part], second[part], targets[part], start=start)
    assert parts.mean_kl == pytest.approx(whole.mean_kl)
    assert parts.quantized_perplexity == pytest.approx(whole.quantized_perplexity)
    assert (parts.top1, parts.p99_kl, parts.largest) == (whole.top1, whole.p99_kl, whole.largest)
    assert [p.offset for p in parts.worst] == [p.offset for p in whole.worst]


def test_the_worst_positions_are_the_largest_divergences_in_order() -> None:
    torch.manual_seed(2)
    found = collect(torch.randn(40, 5), torch.randn(40, 5), [0] * 40)
    kls = [position.kl for position in found.worst]
    assert kls == sorted(found.kls, reverse=True)[:WORST]
    assert all(found.kls[position.offset] == position.kl for position in found.worst)


def test_p99_is_the_value_that_99_percent_do_not_exceed() -> None:
    found = Distance(kls=[float(n) for n in range(1, 201)])
    assert found.p99_kl == 198
