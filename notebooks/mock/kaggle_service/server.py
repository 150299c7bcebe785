"""A stand-in for Kaggle's service on a local port: enough of it for the official client.

Covers: the service's methods as POST of JSON, uploads as PUT that can be resumed by Content-Range
as with Google's storage, downloads, and the check of the credential. Does not cover: anything that
the client was not seen to need for publishing and submitting.
"""

import base64
import contextlib
import json
import re
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from notebooks.mock.kaggle_service.account import Account, Blob
from notebooks.mock.kaggle_service.methods import METHODS, Refused

STANDING = Path(__file__).resolve().parent / "standing"
CHUNK = 1 << 16


def environment(url: str, token: str | None) -> dict[str, str]:
    """Return the variables that send a client process to the stand-in, with or without a token."""
    variables = {
        "MOCK_KAGGLE_URL": url,
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        "PYTHONPATH": str(STANDING),
        "NO_PROXY": "127.0.0.1",
    }
    return variables if token is None else {**variables, "KAGGLE_API_TOKEN": token}


@contextlib.contextmanager
def serve(account: Account) -> Generator[str]:
    """Serve the account on a free port of this machine; yields the address."""

    class Handler(_Handler):
        pass

    Handler.account = account
    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        account.release.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that was killed
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    account: Account

    def do_POST(self) -> None:
        body = json.loads(self._body() or b"{}")
        method = self.path.removeprefix("/api/v1/")
        self.account.calls.append(method.split("/")[-1])
        try:
            if method.endswith("/DownloadDataset"):
                self._redirect(body)
                return
            if not method.endswith("/IntrospectToken") and not self._known():
                raise Refused(401, "Unauthenticated")
            if method.endswith("/DownloadDataFile"):
                self._redirect_to_file(body)
                return
            base = f"http://{self.headers['Host']}"
            self._answer(200, METHODS[method](self.account, {**body, "base": base}))
        except Refused as refused:
            self._answer(refused.code, {"code": refused.code, "message": str(refused)})
        except KeyError as missing:
            self._answer(501, {"code": 501, "message": f"The stand-in has no {missing}"})

    def do_GET(self) -> None:
        kind, _, name = self.path.lstrip("/").partition("/")
        if kind == "outputs":
            data = self.account.outputs.get(name)
        elif kind == "competitions":
            data = self.account.files.get(name)
        else:
            owner, slug, file = name.split("/")
            data = self.account.datasets[f"{owner}/{slug}"][-1].files.get(file)
        if data is None:
            self._answer(404, {"code": 404, "message": "Not found"})
        else:
            self._send(200, data, "application/octet-stream")

    def do_PUT(self) -> None:
        token = self.path.rsplit("/", 1)[1]
        blob = self.account.blobs.get(token)
        if blob is None:
            self._body()
            self._answer(404, {"code": 404, "message": "No such upload"})
            return
        if self.account.faults.refuse.get(blob.name, 0) > 0:
            self.account.faults.refuse[blob.name] -= 1
            del self.account.blobs[token]
            self._body()
            self._answer(400, {"code": 400, "message": "Bad upload"})
            return
        span = self.headers.get("Content-Range", "")
        if span.startswith("bytes */"):
            self._body()
            self._progress(blob)
            return
        found = re.match(r"bytes (\d+)-", span)
        start = int(found.group(1)) if found else 0
        if start != len(blob.data) and start != 0:
            self._answer(400, {"code": 400, "message": "The upload must resume where it was"})
            return
        del blob.data[start:]
        self._receive(blob, start)

    def _receive(self, blob: Blob, start: int) -> None:
        """Take the bytes, with the faults that the test has set for this file."""
        faults, left = self.account.faults, int(self.headers["Content-Length"])
        stop = faults.break_off.pop(blob.name, None)
        hold = faults.hold.pop(blob.name, None)
        limit = stop if stop is not None else hold
        taken = left if limit is None else min(left, limit)
        while len(blob.data) < start + taken:
            if not (piece := self.rfile.read(min(CHUNK, start + taken - len(blob.data)))):
                break
            blob.data += piece
        self.account.puts.append((blob.name, start, len(blob.data) - start))
        if hold is not None:
            self.account.holding.set()
            self.account.release.wait()
        self.close_connection = limit is not None
        # A client that was killed meanwhile hears nothing any more.
        with contextlib.suppress(ConnectionError):
            self.rfile.read(left - taken)  # a living one reads no answer before it has sent all
            self._answer(200 if blob.complete else 503, {})

    def _progress(self, blob: Blob) -> None:
        if blob.complete:
            self._answer(200, {})
            return
        reached = {"Range": f"bytes=0-{len(blob.data) - 1}"} if blob.data else {}
        self._send(308, b"", "text/plain", reached)

    def _redirect(self, body: dict[str, Any]) -> None:
        name = f"{body['ownerSlug']}/{body['datasetSlug']}"
        if name not in self.account.datasets:
            raise Refused(403, "Permission 'datasets.get' was denied")
        location = f"http://{self.headers['Host']}/files/{name}/{body['fileName']}"
        self._send(302, b"", "text/plain", {"Location": location})

    def _redirect_to_file(self, body: dict[str, Any]) -> None:
        name = f"{body['competitionName']}/{body['fileName']}"
        if name not in self.account.files:
            raise Refused(403, "You must accept this competition's rules before you can continue.")
        location = f"http://{self.headers['Host']}/competitions/{name}"
        self._send(302, b"", "text/plain", {"Location": location})

    def _known(self) -> bool:
        """Return whether the request bears the account's token or its name and key."""
        given = self.headers.get("Authorization", "")
        pair = base64.b64encode(f"{self.account.user}:{self.account.token}".encode()).decode()
        return given in (f"Bearer {self.account.token}", f"Basic {pair}")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, code: int, value: dict[str, Any]) -> None:
        self._send(code, json.dumps(value).encode(), "application/json")

    def _send(
        self, code: int, data: bytes, kind: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the tests look at the account."""
