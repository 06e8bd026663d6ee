"""Serves a bucket with moto, which checks signatures and permissions. Runs in the lab's Python.

The files of the folder *argv[1]* become objects. One line of JSON says where the store is, and the
keys of two users: one may read the bucket, the other may nothing. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import boto3
import requests

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "1000000"  # until the store is filled
from moto.server import ThreadedMotoServer

BUCKET = "acme"
MAY_READ = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::*"],
        }
    ],
}


def main(folder: Path) -> None:
    """Fill the store, close it, and serve it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    origin = f"http://127.0.0.1:{port}"
    root = {
        "endpoint_url": origin,
        "region_name": "eu-central-1",
        "aws_access_key_id": "root",
        "aws_secret_access_key": "root",
    }
    fill(boto3.client("s3", **root), folder)
    iam = boto3.client("iam", **root)
    users = {"reader": make_user(iam, "reader", MAY_READ), "stranger": make_user(iam, "stranger")}
    requests.post(f"{origin}/moto-api/reset-auth", data="0", timeout=10)
    print(json.dumps({"origin": origin, **users}), flush=True)
    sys.stdin.read()
    os._exit(0)


def fill(s3, folder: Path) -> None:
    """Make the bucket and its objects, named by their path below *folder*."""
    s3.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    for path in (each for each in sorted(folder.rglob("*")) if each.is_file()):
        s3.put_object(Bucket=BUCKET, Key=str(path.relative_to(folder)), Body=path.read_bytes())


def make_user(iam, name: str, policy=None) -> dict[str, str]:
    """Make a user with a key, and perhaps a policy."""
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
