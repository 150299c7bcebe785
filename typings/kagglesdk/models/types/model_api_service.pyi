from kagglesdk.models.types.model_enums import ModelFramework

class ApiModel:
    id: int

class ApiCreateModelResponse:
    id: int
    error: str

class ApiModelInstance:
    version_number: int

class ApiModelFile:
    name: str
    size: int

class ApiListModelInstanceVersionFilesRequest:
    owner_slug: str
    model_slug: str
    framework: ModelFramework
    instance_slug: str
    page_size: int
    page_token: str

class ApiListModelInstanceVersionFilesResponse:
    files: list[ApiModelFile]
    next_page_token: str
