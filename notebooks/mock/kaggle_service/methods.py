"""The methods of Kaggle's service that publishing needs, on an account in memory.

The names, fields and answers are those that the official client sends and reads: JSON in camel case
with defaults left out, an error as `code` and `message`. What Kaggle itself does beyond that is
unknown and not claimed: these methods return what the client was seen to expect.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from notebooks.mock.kaggle_service.account import Account, Blob, Version

Json = dict[str, Any]


class Refused(Exception):  # noqa: N818 - it is an answer, not a defect
    """An answer with an HTTP error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def introspect_token(account: Account, request: Json) -> Json:
    """Say whose token it is."""
    if request.get("token") != account.token:
        raise Refused(404, "Unknown token")
    return {"active": True, "username": account.user}


def start_blob_upload(account: Account, request: Json) -> Json:
    """Open an upload; its bytes are then PUT to `createUrl`."""
    token = f"blob-{account.calls.count('StartBlobUpload')}"
    account.blobs[token] = Blob(request["name"], request.get("contentLength", 0))
    return {"token": token, "createUrl": f"{request['base']}/blobs/{token}"}


def get_dataset_status(account: Account, request: Json) -> Json:
    """Say how far the newest version has been processed."""
    return {"status": account.next_state(_dataset(account, request)[-1].states)}


def get_dataset(account: Account, request: Json) -> Json:
    """Describe the dataset."""
    return {"currentVersionNumber": len(_dataset(account, request))}


def get_dataset_metadata(account: Account, request: Json) -> Json:
    """Say the dataset's licence, which the client prints before a download."""
    licence = _dataset(account, request)[-1].metadata.get("licenseName", "unknown")
    return {"info": {"licenses": [{"name": licence}]}}


def create_dataset(account: Account, request: Json) -> Json:
    """Make a dataset of uploaded blobs."""
    reference = f"{request['ownerSlug']}/{request['slug']}"
    if account.faults.title_taken or reference in account.datasets:
        title = request["title"]
        return {
            "status": "error",
            "error": f'The requested title "{title}" is already in use by a dataset. '
            "Please choose another title.",
        }
    account.datasets[reference] = [_version(account, request.get("files", []), request)]
    return {"status": "ok", "ref": reference, "url": f"https://www.kaggle.com/{reference}"}


def create_dataset_version(account: Account, request: Json) -> Json:
    """Add a version to a dataset; it holds the uploaded blobs and nothing of older versions."""
    versions = _dataset(account, request)
    body = request["body"]
    versions.append(_version(account, body.get("files", []), {**versions[-1].metadata, **body}))
    return {"status": "ok", "url": f"https://www.kaggle.com/{request['datasetSlug']}"}


def list_dataset_files(account: Account, request: Json) -> Json:
    """List the newest version's files, a page at a time."""
    page, more = _page(_dataset(account, request), request)
    date = _now()
    files = [{"name": name, "totalBytes": size, "creationDate": date} for name, size in page]
    return {"datasetFiles": files, **more}


def get_model(account: Account, request: Json) -> Json:
    """Describe a Kaggle Model."""
    name = f"{request['ownerSlug']}/{request['modelSlug']}"
    if name not in account.models:
        raise Refused(404, "Model not found")
    return {"id": 1 + [*account.models].index(name), "slug": request["modelSlug"]}


def create_model(account: Account, request: Json) -> Json:
    """Make a Kaggle Model, which has no variation yet."""
    if account.faults.model_error:
        return {"error": account.faults.model_error}
    name = f"{request['ownerSlug']}/{request['slug']}"
    account.models[name] = request
    return {"id": len(account.models), "url": f"https://www.kaggle.com/models/{name}"}


def get_model_instance(account: Account, request: Json) -> Json:
    """Describe a variation of a Kaggle Model."""
    return {"id": 1, "versionNumber": len(_variation(account, request))}


def create_model_instance(account: Account, request: Json) -> Json:
    """Make a variation of uploaded blobs."""
    body = request["body"]
    name = _variation_name({**request, **body})
    if f"{request['ownerSlug']}/{request['modelSlug']}" not in account.models:
        raise Refused(404, "Model not found")
    account.variations[name] = [_version(account, body.get("files", []), body)]
    return {"id": 1, "url": f"https://www.kaggle.com/models/{name}"}


def create_model_instance_version(account: Account, request: Json) -> Json:
    """Add a version to a variation; it holds the uploaded blobs alone."""
    versions, body = _variation(account, request), request["body"]
    versions.append(_version(account, body.get("files", []), {**versions[-1].metadata, **body}))
    return {"id": 1, "url": f"https://www.kaggle.com/models/{_variation_name(request)}"}


def list_model_instance_version_files(account: Account, request: Json) -> Json:
    """List the newest version's files of a variation, a page at a time."""
    page, more = _page(_variation(account, request), request)
    return {"files": [{"name": name, "size": size} for name, size in page], **more}


def get_kernel(account: Account, request: Json) -> Json:
    """Say what the newest version of the notebook was saved with."""
    if not account.notebooks:
        raise Refused(404, "Notebook not found")
    sent, faults = account.notebooks[-1], account.faults
    kinds = ("datasetDataSources", "competitionDataSources", "modelDataSources")
    kept = {
        kind: [s for s in sent.get(kind, []) if s not in faults.dropped_sources] for kind in kinds
    }
    shape = faults.saved_shape or sent.get("machineShape", "")
    return {"metadata": {"ref": sent["slug"], "machineShape": shape, **kept}}


def save_kernel(account: Account, request: Json) -> Json:
    """Take a version of the notebook."""
    if account.faults.push_error:
        return {"error": account.faults.push_error}
    account.notebooks.append(request)
    return {
        "versionNumber": len(account.notebooks),
        "url": f"https://www.kaggle.com/code/{request['slug']}",
        "invalidDatasetSources": account.faults.invalid_sources,
    }


def get_kernel_session_status(account: Account, request: Json) -> Json:
    """Say how the newest run goes."""
    if not account.notebooks:
        raise Refused(404, "Notebook not found")
    status = account.next_state(account.runs)
    failed = {"failureMessage": account.failure} if status == "ERROR" and account.failure else {}
    return {"status": status, **failed}


def list_kernel_session_output(account: Account, request: Json) -> Json:
    """List the newest run's files and give its log: JSON pieces, as Kaggle keeps it."""
    files = [
        {"fileName": name, "url": f"{request['base']}/outputs/{name}"} for name in account.outputs
    ]
    pieces = [
        {"stream_name": "stdout", "time": at, "data": line}
        for at, line in enumerate(account.log.splitlines(keepends=True))
    ]
    return {"files": files, "log": json.dumps(pieces)}


def create_code_submission(account: Account, request: Json) -> Json:
    """Take a submission of a notebook's version."""
    if request.get("kernelVersion", 0) > len(account.notebooks):
        raise Refused(404, "No such version of the notebook")
    account.submissions.append({**request, "date": _now()})
    return {"message": "Successfully submitted", "ref": len(account.submissions)}


def get_submission_limits(account: Account, request: Json) -> Json:
    """Say how many submissions are left today."""
    return {"numAllowedNow": 1}


def list_submissions(account: Account, request: Json) -> Json:
    """List the submissions, the newest first."""
    if not account.submissions:
        return {"submissions": []}
    status = account.next_state(account.scoring)
    numbers = range(1, len(account.submissions) + 1)
    return {"submissions": [_submission(account, number, status) for number in numbers][::-1]}


def get_submission(account: Account, request: Json) -> Json:
    """Describe one submission."""
    if not 1 <= (number := int(request.get("ref", 0))) <= len(account.submissions):
        raise Refused(404, "No such submission")
    return _submission(account, number, account.next_state(account.scoring))


def _submission(account: Account, number: int, status: str) -> Json:
    sent = account.submissions[number - 1]
    known = {
        "ref": number,
        "date": sent["date"],
        "description": sent["submissionDescription"],
        "fileName": sent["fileName"],
        "status": status,
    }
    if status == "COMPLETE":
        known["publicScore"] = account.score
    if status == "ERROR" and account.scoring_error:
        known["errorDescription"] = account.scoring_error
    return known


METHODS: dict[str, Callable[[Account, Json], Json]] = {
    "security.OAuthService/IntrospectToken": introspect_token,
    "blobs.BlobApiService/StartBlobUpload": start_blob_upload,
    "datasets.DatasetApiService/GetDatasetStatus": get_dataset_status,
    "datasets.DatasetApiService/GetDataset": get_dataset,
    "datasets.DatasetApiService/GetDatasetMetadata": get_dataset_metadata,
    "datasets.DatasetApiService/CreateDataset": create_dataset,
    "datasets.DatasetApiService/CreateDatasetVersion": create_dataset_version,
    "datasets.DatasetApiService/ListDatasetFiles": list_dataset_files,
    "models.ModelApiService/GetModel": get_model,
    "models.ModelApiService/CreateModel": create_model,
    "models.ModelApiService/GetModelInstance": get_model_instance,
    "models.ModelApiService/CreateModelInstance": create_model_instance,
    "models.ModelApiService/CreateModelInstanceVersion": create_model_instance_version,
    "models.ModelApiService/ListModelInstanceVersionFiles": list_model_instance_version_files,
    "kernels.KernelsApiService/SaveKernel": save_kernel,
    "kernels.KernelsApiService/GetKernel": get_kernel,
    "kernels.KernelsApiService/GetKernelSessionStatus": get_kernel_session_status,
    "kernels.KernelsApiService/ListKernelSessionOutput": list_kernel_session_output,
    "competitions.CompetitionApiService/CreateCodeSubmission": create_code_submission,
    "competitions.CompetitionApiService/GetSubmissionLimits": get_submission_limits,
    "competitions.CompetitionApiService/ListSubmissions": list_submissions,
    "competitions.CompetitionApiService/GetSubmission": get_submission,
}


def _dataset(account: Account, request: Json) -> list[Version]:
    versions = account.datasets.get(f"{request['ownerSlug']}/{request['datasetSlug']}")
    if versions is None:
        raise Refused(403, "Permission 'datasets.get' was denied")
    return versions


def _variation_name(request: Json) -> str:
    names = ("ownerSlug", "modelSlug", "framework", "instanceSlug")
    return "/".join(str(request[name]) for name in names)


def _variation(account: Account, request: Json) -> list[Version]:
    versions = account.variations.get(_variation_name(request))
    if versions is None:
        raise Refused(404, "Model instance not found")
    return versions


def _page(versions: list[Version], request: Json) -> tuple[list[tuple[str, int]], Json]:
    """Return the files of the newest version that a request asks for, and where to read on."""
    files = sorted((name, len(data)) for name, data in versions[-1].files.items())
    start, size = int(request.get("pageToken") or 0), request.get("pageSize", 20)
    more = {"nextPageToken": str(start + size)} if start + size < len(files) else {}
    return files[start : start + size], more


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _version(account: Account, files: list[Json], metadata: Json) -> Version:
    blobs = [account.blobs[file["token"]] for file in files]
    if not all(blob.complete for blob in blobs):
        raise Refused(400, "A file is not complete")
    kept = {b.name: bytes(b.data) for b in blobs if b.name not in account.faults.lose}
    return Version(kept, metadata)
