"""When it is on the path, this sends Kaggle's client to the stand-in named by MOCK_KAGGLE_URL.

Python imports it at startup. The client knows only localhost's port 80, so its table of addresses
is changed before it is read. KAGGLE_API_ENVIRONMENT must be LOCALHOST: if this file is not found,
the client then asks port 80 of this machine, never Kaggle.
"""

import os

if "MOCK_KAGGLE_URL" in os.environ:
    from kagglesdk import kaggle_env

    _endpoints: dict[object, str] = vars(kaggle_env)["_env_to_endpoint"]
    _endpoints.update(dict.fromkeys(_endpoints, os.environ["MOCK_KAGGLE_URL"]))
