from kagglesdk.competitions.types.competition_api_service import (
    ApiGetSubmissionRequest,
    ApiSubmission,
)
from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelRequest, ApiGetKernelResponse
from kagglesdk.models.types.model_api_service import (
    ApiListModelInstanceVersionFilesRequest,
    ApiListModelInstanceVersionFilesResponse,
)

class CompetitionApiClient:
    def get_submission(self, request: ApiGetSubmissionRequest) -> ApiSubmission: ...

class KernelsApiClient:
    def get_kernel(self, request: ApiGetKernelRequest) -> ApiGetKernelResponse: ...

class ModelApiClient:
    def list_model_instance_version_files(
        self, request: ApiListModelInstanceVersionFilesRequest
    ) -> ApiListModelInstanceVersionFilesResponse: ...

class Competitions:
    competition_api_client: CompetitionApiClient

class Kernels:
    kernels_api_client: KernelsApiClient

class Models:
    model_api_client: ModelApiClient

class KaggleClient:
    competitions: Competitions
    kernels: Kernels
    models: Models
