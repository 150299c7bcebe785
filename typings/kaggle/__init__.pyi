from kaggle.api.kaggle_api_extended import KaggleApi

api: KaggleApi
