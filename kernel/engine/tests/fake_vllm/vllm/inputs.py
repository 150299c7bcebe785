"""See the package."""


def TokensPrompt(prompt_token_ids):  # noqa: N802
    """Return a prompt as vLLM takes it."""
    return {"prompt_token_ids": prompt_token_ids}
