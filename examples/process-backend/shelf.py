"""The same shelf in Python, with nothing but its standard library: python3 shelf.py SOCKET"""

import json
import os
import socketserver
import struct
import sys
import time

FILES = {}


class Refused(Exception):
    """What cannot be done; its text is the POSIX code."""


def existing(path):
    if path not in FILES:
        raise Refused("EISDIR" if path == "/" else "ENOENT")
    return FILES[path]


def info(path):
    if path == "/":
        return {"type": "directory"}
    content, mtime = existing(path)
    return {"type": "file", "size": len(content), "mtime": mtime}


def list_dir(request, _):
    if request["path"] != "/":
        raise Refused("ENOENT")
    return {"entries": [{"name": path[1:], **info(path)} for path in FILES]}, b""


def write_file(request, payload):
    path = request["path"]
    if path.rfind("/") > 0:
        raise Refused("EROFS")
    FILES[path] = (payload, time.time())
    return {"size": len(payload)}, b""


def rename(request, _):
    path, to = request["path"], request["to"]
    if request.get("exclusive") and to in FILES:
        raise Refused("EEXIST")
    FILES[to] = existing(path)
    if to != path:
        del FILES[path]
    return {"size": len(FILES[to][0])}, b""


def delete(request, _):
    existing(request["path"])
    del FILES[request["path"]]
    return None, b""


OPERATIONS = {
    "list_dir": list_dir,
    "file_info": lambda request, _: (info(request["path"]), b""),
    "read_file": lambda request, _: (None, existing(request["path"])[0]),
    "write_file": write_file,
    "rename": rename,
    "delete": delete,
}


def answer(request, payload):
    """The reply and its payload. What a backend does not know is ENOTSUP: so `hello` is answered too."""
    try:
        if request["op"] in ("make_dir", "del_dir"):
            raise Refused("EROFS")
        if request["op"] not in OPERATIONS:
            raise Refused("ENOTSUP")
        ok, content = OPERATIONS[request["op"]](request, payload)
        return {"id": request["id"], "ok": ok}, content
    except Refused as refused:
        return {"id": request["id"], "error": {"code": str(refused)}}, b""


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        while lengths := self.rfile.read(8):
            header, size = struct.unpack(">II", lengths)
            request = json.loads(self.rfile.read(header))
            reply, content = answer(request, self.rfile.read(size))
            text = json.dumps(reply).encode()
            self.wfile.write(struct.pack(">II", len(text), len(content)) + text + content)


if __name__ == "__main__":
    path = sys.argv[1]
    if os.path.exists(path):
        os.unlink(path)
    os.umask(0o077)
    print(f"serving on {path}", flush=True)
    socketserver.UnixStreamServer(path, Connection).serve_forever()
