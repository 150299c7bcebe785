"""What a log is known to mean: a line that was seen for each reason, and texts without meaning."""

import pytest

from notebooks.publishing.reasons import REASONS, reason

SEEN = {
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.32 GiB.": "GPUs ran out",
    "ValueError: No available memory for the cache blocks.": "GPUs ran out",
    "Your notebook tried to allocate more memory than is available.": "main memory",
    "ERROR: numpy-2.2.6-cp312-cp312-linux.whl is not a supported wheel on this platform.": (
        "image's Python"
    ),
    "ERROR: No matching distribution found for vllm==0.18.1": "image's Python",
    "RuntimeError: No CUDA GPUs are available": "No GPU was attached",
    "RuntimeError: Failed to infer device type": "No GPU was attached",
    "socket.gaierror: [Errno -3] Temporary failure in name resolution": "no internet",
    "HTTPSConnectionPool: Failed to establish a new connection: [Errno 101]": "no internet",
    "no competition API (aimo, or kaggle_evaluation of AIMO-2 or -3) is on the path": (
        "competition's data was not mounted"
    ),
    "one model (config.json beside *.safetensors) is needed below /kaggle/input, found none": (
        "A dataset was not mounted"
    ),
    "ModuleNotFoundError: No module named 'vllm'": "A dataset was not mounted",
    "Notebook Timeout": "exceeded its time limit",
    "Your notebook exceeded the allowed 9 hours of runtime": "exceeded its time limit",
    "No problem was answered by vote: the engine never got ready.": "gave no answer",
    "Submission Scoring Error": "submission file was refused",
    "Inference Server Never Started": "within 15 minutes",
}


@pytest.mark.parametrize("text", SEEN)
def test_a_known_text_has_its_sentence(text: str) -> None:
    found = reason(f"a line before\n{text}\na line behind")
    assert SEEN[text] in found
    assert found.endswith(".") and "\n" not in found


def test_every_reason_has_a_text() -> None:
    assert {reason(text) for text in SEEN} == {sentence for _, sentence in REASONS}


@pytest.mark.parametrize("text", ["", "Installed the wheels of /kaggle/input/wheels.", "done"])
def test_what_means_nothing_has_none(text: str) -> None:
    assert reason(text) == ""


def test_causes_come_before_effects_and_kaggles_own_words_before_the_log() -> None:
    both = "CUDA out of memory\nNo problem was answered by vote"
    assert "GPUs ran out" in reason(both)
    assert "exceeded its time limit" in reason("Notebook Timeout", both)
