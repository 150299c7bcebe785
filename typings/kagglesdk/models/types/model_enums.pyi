from enum import Enum

class ModelFramework(Enum):
    MODEL_FRAMEWORK_API = ...
