"""Buckets of moto's server: python bucket.py PORT make|list|lock|remove."""

import json
import sys

import boto3

port, action = sys.argv[1:]
s3 = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{port}",
    region_name="us-east-1",
    aws_access_key_id="AKIDTEST",
    aws_secret_access_key="sEcReT/KeY+0123",
)
if action == "make":
    s3.create_bucket(Bucket="audit")
elif action == "list":
    print(json.dumps([listed["Key"] for listed in s3.list_objects_v2(Bucket="audit")["Contents"]]))
elif action == "lock":
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket="locked",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
elif action == "remove":
    version = s3.list_object_versions(Bucket="locked")["Versions"][0]["VersionId"]
    try:
        s3.delete_object(Bucket="locked", Key="a", VersionId=version)
        print("removed")
    except s3.exceptions.ClientError as error:
        print(error.response["Error"]["Code"])
