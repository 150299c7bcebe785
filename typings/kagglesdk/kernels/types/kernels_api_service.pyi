from enum import Enum

class ApiGetKernelRequest:
    user_name: str
    kernel_slug: str

class ApiKernelMetadata:
    dataset_data_sources: list[str]
    competition_data_sources: list[str]
    model_data_sources: list[str]
    machine_shape: str

class ApiGetKernelResponse:
    metadata: ApiKernelMetadata

class ApiGetKernelSessionStatusResponse:
    status: Enum
    failure_message: str

class ApiSaveKernelResponse:
    version_number: int
    error: str
    invalid_dataset_sources: list[str]
    invalid_competition_sources: list[str]
    invalid_model_sources: list[str]
