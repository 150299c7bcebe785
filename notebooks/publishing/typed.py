"""One call of Kaggle's official client, its typed answer printed as JSON.

Covers: the calls that publishing makes besides uploads and downloads, each with the fields of its
response that are used. Does not cover: uploads, which the client's own commands resume (`strict`).
Run as a script: `python -P typed.py CALL '{"argument": ...}'`. It knows nothing of this package.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import kaggle
from kaggle.api.kaggle_api_extended import KaggleApi, print_auth_help
from kagglesdk.competitions.types.competition_api_service import (
    ApiGetSubmissionRequest,
    ApiSubmission,
)
from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelRequest
from kagglesdk.models.types.model_api_service import ApiListModelInstanceVersionFilesRequest
from kagglesdk.models.types.model_enums import ModelFramework
from requests.exceptions import HTTPError, RequestException

PAGE_SIZE = 200
"""The most that Kaggle lists at once."""
UNAUTHENTICATED = 401


def user(api: KaggleApi) -> dict[str, Any]:
    """Return whose credential it is."""
    return {"name": api.get_config_value(api.CONFIG_NAME_USER)}


def dataset(api: KaggleApi, reference: str) -> dict[str, Any]:
    """Return a dataset's status and newest version."""
    value: dict[str, Any] = json.loads(api.dataset_status(reference, format="json"))
    return value


def dataset_files(api: KaggleApi, reference: str) -> dict[str, int]:
    """Return the bytes of each file of a dataset's newest version."""
    sizes: dict[str, int] = {}
    token = ""
    while True:
        page = api.dataset_list_files(reference, token, PAGE_SIZE)
        sizes |= {file.name: file.total_bytes for file in page.dataset_files}
        if not (token := page.next_page_token):
            return sizes


def model(api: KaggleApi, reference: str) -> dict[str, Any]:
    """Return that a Kaggle Model is there."""
    return {"version": api.model_get(reference).id}


def create_model(api: KaggleApi, folder: str) -> dict[str, Any]:
    """Create a Kaggle Model, without a variation yet."""
    answer = api.model_create_new(folder)
    return {"id": answer.id, "error": answer.error}


def variation(api: KaggleApi, reference: str) -> dict[str, Any]:
    """Return the newest version of a Kaggle Model's variation."""
    return {"version": api.model_instance_get(reference).version_number}


def variation_files(api: KaggleApi, reference: str) -> dict[str, int]:
    """Return the bytes of each file of a variation's newest version."""
    owner, slug, framework, name = api.split_model_instance_string(reference)
    request = ApiListModelInstanceVersionFilesRequest()
    request.owner_slug, request.model_slug, request.instance_slug = owner, slug, name
    request.framework = api.lookup_enum(
        ModelFramework, ModelFramework.MODEL_FRAMEWORK_API, framework
    )
    request.page_size = PAGE_SIZE
    sizes: dict[str, int] = {}
    with api.build_kaggle_client() as client:
        while True:
            # Not the client's own listing: it prints the next page's token among the answers.
            page = client.models.model_api_client.list_model_instance_version_files(request)
            sizes |= {file.name: file.size for file in page.files}
            if not page.next_page_token:
                return sizes
            request.page_token = page.next_page_token


def saved(api: KaggleApi, notebook: str) -> dict[str, Any]:
    """Return what a notebook's newest version was saved with."""
    request = ApiGetKernelRequest()
    request.user_name, request.kernel_slug = notebook.split("/")
    with api.build_kaggle_client() as client:
        metadata = client.kernels.kernels_api_client.get_kernel(request).metadata
    return {
        "dataset": metadata.dataset_data_sources,
        "competition": metadata.competition_data_sources,
        "model": metadata.model_data_sources,
        "machine_shape": metadata.machine_shape,
    }


def push(api: KaggleApi, folder: str) -> dict[str, Any]:
    """Push a notebook; return its version, Kaggle's error, and the sources that it left out."""
    answer = api.kernels_push(folder)
    left_out = {
        "dataset": answer.invalid_dataset_sources,
        "competition": answer.invalid_competition_sources,
        "model": answer.invalid_model_sources,
    }
    return {"version": answer.version_number, "error": answer.error, "left_out": left_out}


def run(api: KaggleApi, notebook: str) -> dict[str, Any]:
    """Return the state of a notebook's newest run."""
    answer = api.kernels_status(notebook)
    return {"status": answer.status.name, "failure": answer.failure_message}


def submit(
    api: KaggleApi, notebook: str, version: int, file: str, competition: str, message: str
) -> dict[str, Any]:
    """Submit a notebook's version; return the submission's number and what Kaggle says."""
    answer = api.competition_submit_code(file, message, competition, notebook, version, quiet=True)
    try:
        left = api.competition_get_submission_limits(competition).num_allowed_now
    except (RequestException, ValueError):
        left = None  # the submission is made: only how many are left is not known
    return {"ref": answer.ref, "message": answer.message, "left": left}


def submissions(api: KaggleApi, competition: str) -> list[dict[str, Any]]:
    """Return this account's newest submissions to a competition."""
    return [_fields(each) for each in api.competition_submissions(competition) or [] if each]


def submission(api: KaggleApi, ref: int) -> dict[str, Any]:
    """Return one submission."""
    with api.build_kaggle_client() as client:
        request = ApiGetSubmissionRequest()
        request.ref = ref
        return _fields(client.competitions.competition_api_client.get_submission(request))


def _fields(answer: ApiSubmission) -> dict[str, Any]:
    return {
        "ref": answer.ref,
        "date": answer.date.isoformat() if answer.date else "",
        "description": answer.description,
        "status": answer.status.name,
        "error": answer.error_description,
        "public_score": answer.public_score,
        "private_score": answer.private_score,
    }


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call
    for call in (
        *(user, dataset, dataset_files, model, create_model, variation, variation_files),
        *(push, saved, run, submit, submissions, submission),
    )
}


def main(name: str, arguments: str) -> None:
    """Make the call; its answer is the last line, and so is its error."""
    api = kaggle.api
    if not vars(api).get("_authenticated"):
        api.authenticate()  # it ends the process with its own words where it cannot
    try:
        answer = CALLS[name](api, **json.loads(arguments))
    except HTTPError as error:
        if error.response is not None and error.response.status_code == UNAUTHENTICATED:
            print_auth_help()
        sys.exit(str(error))
    except (RequestException, ValueError, KeyError) as error:
        sys.exit(str(error))
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
