"""Private Postgres and Redis servers of one benchmark run: a temporary folder,
free loopback ports, gone at the end. Postgres keeps fsync on, as a queue that
may forget after a power cut is not worth comparing; Redis keeps nothing on
disk, which favours the peers that live in it."""

import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START_SECONDS = 30


class ServerError(Exception):
    """A server is not installed, did not start or refused a command."""


class Servers:
    """Both servers, as a context manager.

    `folder` is the run's temporary folder, `redis_url` the address of Redis;
    `redis(...)` and `database(name)` talk to them."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="deskwork-bench-"))
        # Readable by the user postgres, who must reach its data below.
        self.folder.chmod(0o755)
        self._binaries = _postgres_binaries()
        self._redis = None
        self._socket = None
        try:
            self._start_postgres()
            self._start_redis()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._socket:
            self._socket.close()
        if self._redis:
            self._redis.terminate()
            self._redis.wait()
        data = self.folder / "postgres" / "data"
        if (data / "postmaster.pid").exists():
            try:
                self._as_postgres("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
            except ServerError as error:
                # A Ctrl-C reaches it as well, so it may have gone by itself.
                print(f"Postgres was not stopped: {error}", file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)

    def database_url(self, name):
        """The address of a database under the server's superuser."""
        return f"postgres://postgres@127.0.0.1:{self._postgres_port}/{name}"

    def drop_database(self, name):
        self._sql(f'drop database if exists "{name}" with (force)')

    def create_database(self, name):
        self._sql(f'create database "{name}"')

    def session(self, name):
        """A psql that stays open, so that a question costs no process start."""
        return Session([str(self._binaries / "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", self.database_url(name)])

    def redis(self, *words):
        """One Redis command; the answer is an int or a string."""
        parts = [str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(request)
        line = self._answers.readline().rstrip(b"\r\n").decode()
        if line.startswith("-"):
            raise ServerError(f"Redis refused {words[0]}: {line[1:]}")
        if line.startswith("$"):
            size = int(line[1:])
            return self._answers.read(size + 2)[:-2].decode() if size >= 0 else None
        return int(line[1:]) if line.startswith(":") else line[1:]

    def _start_postgres(self):
        home = self.folder / "postgres"
        home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(home, "postgres", "postgres")
        self._postgres_port = free_port()
        self._as_postgres("initdb", "-D", str(home / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C")
        settings = {
            "port": self._postgres_port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(home),
            "max_connections": 200,
            "fsync": "on",
            "synchronous_commit": "on",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = str(home / "log")
        self._as_postgres("pg_ctl", "-D", str(home / "data"), "-l", log, "-o", options, "-w", "start")

    def _start_redis(self):
        binary = shutil.which("redis-server")
        if not binary:
            raise ServerError("redis-server is not installed (Redis 7 or newer is needed)")
        port = free_port()
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with open(self.folder / "redis.log", "wb") as log:
            self._redis = subprocess.Popen([*command, "--dir", str(self.folder)], stdout=log, stderr=log)
        self.redis_url = f"redis://127.0.0.1:{port}/0"
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                if self._redis.poll() is not None or time.monotonic() > deadline:
                    raise ServerError(f"Redis did not start: {tail(self.folder / 'redis.log')}") from None
                time.sleep(0.02)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def _sql(self, statement):
        command = [str(self._binaries / "psql"), "-qAtX", "-d", self.database_url("postgres"), "-c", statement]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise ServerError(f"Postgres refused: {run.stderr.strip()}")

    def _as_postgres(self, binary, *arguments):
        # initdb and postgres refuse to run as root.
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*user, str(self._binaries / binary), *arguments]
        # Output to a file: the server inherits it, and a pipe would never end.
        with open(self.folder / "pg_ctl.log", "ab") as log:
            code = subprocess.run(command, stdout=log, stderr=log, cwd="/").returncode
        if code:
            raise ServerError(f"{binary} failed: {tail(self.folder / 'pg_ctl.log')}")


class Session:
    """One connection to a database, asked for one value at a time."""

    def __init__(self, command):
        self._psql = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def value(self, query):
        """The only column of the only row of the query, as text."""
        self._psql.stdin.write(query + ";\n")
        self._psql.stdin.flush()
        line = self._psql.stdout.readline()
        if not line:
            raise ServerError(f"no answer to: {query}")
        return line.rstrip("\n")

    def close(self):
        self._psql.stdin.close()
        self._psql.wait()


def free_port():
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tail(path, size=600):
    """The end of a log file, for an error message."""
    try:
        return Path(path).read_bytes()[-size:].decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return "(no log)"


def _postgres_binaries():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
    if folders:
        return Path(folders[-1])
    if found := shutil.which("initdb"):
        return Path(found).parent
    raise ServerError("Postgres is not installed (15 or newer is needed)")
