"""The layers' picture: one line a module, the same bytes each time, bad tables told."""

from pathlib import Path

import pytest

from quantize.writing.plots import PlotError, plot_layers, read_layers

ROWS = "layer,module,error\n1,mlp.up_proj,0.5\n0,mlp.up_proj,0.25\n0,self_attn.q_proj,0.01\n"


def table(folder: Path, text: str = ROWS) -> Path:
    path = folder / "layers.csv"
    path.write_text(text)
    return path


def test_errors_are_read_by_module_in_the_order_of_the_layers(tmp_path: Path) -> None:
    assert read_layers(table(tmp_path)) == {
        "mlp.up_proj": [(0, 0.25), (1, 0.5)],
        "self_attn.q_proj": [(0, 0.01)],
    }


def test_the_same_table_gives_the_same_picture_and_another_one_another(tmp_path: Path) -> None:
    first = plot_layers(table(tmp_path), tmp_path / "a.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert plot_layers(table(tmp_path), tmp_path / "b.png").read_bytes() == first
    other = table(tmp_path, ROWS.replace("0.5", "0.9"))
    assert plot_layers(other, tmp_path / "c.png").read_bytes() != first


def test_an_error_of_zero_can_be_drawn(tmp_path: Path) -> None:
    plain = table(tmp_path, "layer,module,error\n0,a,0\n1,a,1\n")
    assert plot_layers(plain, tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("layer,module,error\n", "no rows"),
        ("a,b\n1,2\n", "columns"),
        ("layer,module,error\nx,a,1\n", "columns"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(PlotError, match=part):
        plot_layers(table(tmp_path, text), tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_a_missing_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PlotError, match="quantize first"):
        read_layers(tmp_path / "none.csv")
