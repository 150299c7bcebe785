"""A server that speaks as much of the OpenAI API as the engine uses, and breaks on command."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Characters:
    """A tokenizer whose ids are the characters' numbers; 0 ends the turn."""

    def __init__(self):
        self.added_tokens_decoder = {}

    def encode(self, text, *, add_special_tokens):
        return [ord(c) for c in text]

    def decode(self, ids, *, skip_special_tokens):
        return "".join(chr(i) for i in ids if i)

    def apply_chat_template(self, turns, **options):
        return "".join(turn["content"] for turn in turns)


class FakeServer:
    """Answers with what `reply(body)` returns: a text, or a status as an integer."""

    def __init__(self, reply, models=("m",), port=0):
        self.bodies = []
        self.reply = reply
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def send(self, status, value):
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                self.send(200, {"data": [{"id": name} for name in models]})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body["path"], body["key"] = self.path, self.headers.get("Authorization")
                outer.bodies.append(body)
                reply = outer.reply(body)
                if isinstance(reply, int):
                    return self.send(reply, {"error": "broken"})
                text, extra = reply if isinstance(reply, tuple) else (reply, {})
                choice = {"text": text, "finish_reason": "stop", "stop_reason": None, **extra}
                return self.send(200, {"choices": [choice], "usage": {"completion_tokens": 7}})

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
