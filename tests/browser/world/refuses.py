"""A receiver of notifications that refuses each for good (422): so that the page of channels has some that were. Prints its port."""

from http.server import BaseHTTPRequestHandler, HTTPServer


class Refuses(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(422, "Unprocessable Content")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Nothing is told of each request."""


server = HTTPServer(("127.0.0.1", 0), Refuses)
print(server.server_port, flush=True)
server.serve_forever()
