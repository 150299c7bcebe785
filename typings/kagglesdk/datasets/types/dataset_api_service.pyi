class ApiDatasetFile:
    name: str
    total_bytes: int

class ApiListDatasetFilesResponse:
    dataset_files: list[ApiDatasetFile]
    next_page_token: str
