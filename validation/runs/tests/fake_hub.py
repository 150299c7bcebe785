"""A stand-in for the Hugging Face hub: one data set of one Parquet file, over plain HTTP.

It answers the routes that `datasets` 5 and `huggingface_hub` ask for when a set is loaded, as the
hub answers them, and says 404 to everything else.
"""

import hashlib
import io
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0" * 40
FILE = "data/train-00000-of-00001.parquet"


class FakeHub:
    """Serves a frame as the data set `repository`."""

    def __init__(self, repository, frame, split="train"):
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        self.data = buffer.getvalue()
        self.asked = []
        self.file = FILE.replace("train", split)
        self.repository = repository
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                path, _, query = self.path.partition("?")
                outer.asked.append((self.command, path))
                status, data = outer.answer(path, urllib.parse.parse_qs(query))
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
                if status == 404:
                    self.send_header("X-Error-Code", "EntryNotFound")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def do_HEAD(self):
                self.do_GET()

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path, query):
        """Return status and content."""
        about = f"/api/datasets/{self.repository}"
        file = {"type": "file", "oid": "1" * 40, "size": len(self.data), "path": self.file}
        folder = {"type": "directory", "oid": "2" * 40, "size": 0, "path": "data"}
        if path == f"/datasets/{self.repository}/resolve/{COMMIT}/{self.file}":
            return 200, self.data
        if path in (about, f"{about}/revision/main", f"{about}/revision/{COMMIT}"):
            info = {"id": self.repository, "sha": COMMIT, "siblings": [{"rfilename": self.file}]}
            return 200, json.dumps({**info, "private": False, "tags": [], "downloads": 0}).encode()
        if path == f"{about}/tree/{COMMIT}":
            deep = query.get("recursive") == ["true"]
            return 200, json.dumps([folder, file] if deep else [folder]).encode()
        if path == f"{about}/tree/{COMMIT}/data":
            return 200, json.dumps([file]).encode()
        return 404, b"{}"

    def close(self):
        self.http.shutdown()
        self.http.server_close()
