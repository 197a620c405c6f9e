"""A real S3 server: moto's, which verifies signatures once its one user is made."""

import json
from dataclasses import dataclass
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]

UNPROVEN_ACTIONS = 4  # those that `prepared` needs; from then on every request must be proven
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


@dataclass(frozen=True, slots=True)
class Objects:
    """A server with the bucket `invoices`, and the keys of whoever may write there."""

    url: str
    access_key: str
    secret_key: str

    def client(self) -> Any:
        return _client(self.url, "s3", self.access_key, self.secret_key)

    def keys(self, prefix: str) -> list[str]:
        found = self.client().list_objects_v2(Bucket="invoices", Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", [])]

    def get(self, key: str) -> Any:
        return self.client().get_object(Bucket="invoices", Key=key)


def prepared(url: str) -> Objects:
    """Make a bucket and a user, in as many actions as need no proof."""
    iam = _client(url, "iam", "any", "any")
    location = {"LocationConstraint": "eu-west-3"}
    _client(url, "s3", "any", "any").create_bucket(Bucket="invoices", CreateBucketConfiguration=location)
    iam.create_user(UserName="relay")
    made = iam.create_access_key(UserName="relay")["AccessKey"]
    iam.put_user_policy(UserName="relay", PolicyName="all", PolicyDocument=POLICY)
    return Objects(url, made["AccessKeyId"], made["SecretAccessKey"])


def _client(url: str, service: str, access_key: str, secret_key: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="eu-west-3",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )
