"""Starts the servers, says where they are, and has a program read them: sources.py PROGRAM FOLDER."""

import asyncio
import contextlib
import getpass
import gzip
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import asyncssh
import boto3
import botocore.exceptions

# Each server has so long to begin.
PATIENCE_SECS = 60
REGION, BUCKET = "eu-central-1", "orders"
# A key that has to be encoded, and a packed file behind it. Brackets and `+` the store itself signs in another way than AWS's
# own client, so there are none.
PACKED = "exports/May 2026.csv.gz"


def free_port():
    """Below the range from which the kernel gives ports to clients."""
    for port in range(24000, 30000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")


def started(stack, port, command, **more):
    """A process that answers on the port, until the stack is left."""
    log = open(more.pop("log"), "wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **more)
    stack.callback(stop, process)
    deadline = time.monotonic() + PATIENCE_SECS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    text = pathlib.Path(log.name).read_text(errors="replace")[-2000:]
    raise RuntimeError(f"{command[0]} did not begin: {text}")


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()


def mariadb(stack, folder):
    home, port = folder / "mariadb", free_port()
    home.mkdir()
    who = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-keyout", home / "key.pem", "-out", home / "certificate.pem"],
        check=True, stderr=subprocess.DEVNULL)
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={home}/data", "--auth-root-authentication-method=normal",
         "--skip-test-db", *who],
        check=True, stdout=subprocess.DEVNULL)
    started(
        stack, port,
        [shutil.which("mariadbd"), "--no-defaults", *who, f"--datadir={home}/data", f"--socket={home}/socket",
         f"--pid-file={home}/pid", f"--port={port}", "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=64M",
         "--skip-log-bin", "--skip-name-resolve", f"--ssl-cert={home}/certificate.pem", f"--ssl-key={home}/key.pem"],
        log=home / "log")
    # Who reads may write, so that it is seen that the session does not; and has to be encrypted.
    sql = """create user admin@'127.0.0.1' identified by 'admin'; grant all on *.* to admin@'127.0.0.1';
             create user reader@'127.0.0.1' identified by 'it''s secret' require ssl; grant select, insert on sales.* to reader@'127.0.0.1';"""
    subprocess.run(["mariadb", "--no-defaults", f"--socket={home}/socket", "--user=root"], input=sql.encode(), check=True)
    url = f"mysql://admin:admin@127.0.0.1:{port}/mysql"
    return {"admin_url": url, "port": port, "user": "reader", "password": "it's secret"}


def store(stack, folder, text):
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    # What makes the user and the bucket is taken as it comes; after that every signature and every right is checked.
    started(stack, port, [str(pathlib.Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
            log=folder / "moto.log", env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"})
    anybody = {"endpoint_url": endpoint, "region_name": REGION, "aws_access_key_id": "any", "aws_secret_access_key": "any"}
    iam = boto3.client("iam", **anybody)
    iam.create_user(UserName="desk")
    key = iam.create_access_key(UserName="desk")["AccessKey"]
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="desk", PolicyName="s3", PolicyDocument=json.dumps(may))
    boto3.client("s3", **anybody).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    mine = {**anybody, "aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    boto3.client("s3", **mine).put_object(Bucket=BUCKET, Key=PACKED, Body=gzip.compress(text))
    try:
        boto3.client("s3", **anybody).list_objects_v2(Bucket=BUCKET)
    except botocore.exceptions.ClientError:
        pass
    else:
        raise RuntimeError("the store takes any signature")
    return {"endpoint": endpoint, "region": REGION, "bucket": BUCKET, "access_key": key["AccessKeyId"],
            "secret_key": key["SecretAccessKey"], "packed": PACKED}


def new_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.read_text(), " ".join(path.with_suffix(".pub").read_text().split()[:2])


def sshd(stack, folder):
    home, port = folder / "sshd", free_port()
    home.mkdir()
    if os.geteuid() == 0:
        pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    _, host_key = new_key(home / "host")
    secret, public = new_key(home / "mine")
    wrong, _ = new_key(home / "wrong")
    (home / "keys").write_text(public + "\n")
    (home / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host\nPidFile {home}/pid\nAuthorizedKeysFile {home}/keys\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n")
    started(stack, port, [shutil.which("sshd"), "-D", "-e", "-f", str(home / "config")], log=home / "log")
    file = home / "orders.csv"
    return {"port": port, "user": getpass.getuser(), "host_key": host_key, "secret": secret, "wrong": wrong,
            "path": str(file), "file": str(file)}


class Passwords(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == ("shop", "pass 'word' $HOME")


async def by_password(folder):
    home = folder / "asyncssh"
    (home / "root").mkdir(parents=True)
    _, host_key = new_key(home / "host")
    server = await asyncssh.create_server(
        Passwords, "127.0.0.1", 0, server_host_keys=[str(home / "host")],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(home / "root").encode()))
    return server, {"port": server.sockets[0].getsockname()[1], "user": "shop", "host_key": host_key,
                    "secret": "pass 'word' $HOME", "wrong": "password", "path": "/orders.csv",
                    "file": str(home / "root" / "orders.csv")}


async def main(program, folder):
    text = subprocess.run([program, "file"], check=True, stdout=subprocess.PIPE).stdout
    with contextlib.ExitStack() as stack:
        plan = {"mariadb": mariadb(stack, folder), "s3": store(stack, folder, text), "sshd": sshd(stack, folder)}
        server, plan["asyncssh"] = await by_password(folder)
        path = folder / "plan.json"
        path.write_text(json.dumps(plan))
        ran = await asyncio.create_subprocess_exec(program, str(path))
        try:
            return await ran.wait()
        finally:
            if ran.returncode is None:
                ran.terminate()
            server.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], pathlib.Path(sys.argv[2]))))
