"""Buckets: moto keeps their settings, the folders say which there are."""

from pathlib import Path
from typing import TYPE_CHECKING

from tests.local.objects.asking import refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def names(s3: "S3Client") -> set[str]:
    return {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def test_a_bucket_is_a_folder_until_it_is_deleted(s3: "S3Client", bucket: str, objects_root: Path) -> None:
    assert (objects_root / bucket).is_dir()
    assert bucket in names(s3)
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"1")
    assert refused(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    s3.delete_object(Bucket=bucket, Key="a/b")
    s3.delete_bucket(Bucket=bucket)
    assert not (objects_root / bucket).exists()
    assert bucket not in names(s3)
    assert refused(s3.head_bucket, Bucket=bucket) == (404, "404")
    assert refused(s3.list_objects_v2, Bucket=bucket) == (404, "NoSuchBucket")
    assert refused(s3.delete_bucket, Bucket=bucket) == (404, "NoSuchBucket")


def test_a_bucket_made_anew_has_nothing_of_the_old_one(s3: "S3Client", bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert refused(s3.list_parts, Bucket=bucket, Key="a", UploadId=upload) == (404, "NoSuchUpload")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_an_invalid_name_is_refused_and_makes_no_folder(s3: "S3Client", objects_root: Path) -> None:
    before = sorted(objects_root.iterdir())
    assert refused(s3.create_bucket, Bucket="Capitals") == (400, "InvalidBucketName")
    assert sorted(objects_root.iterdir()) == before


def test_a_folder_that_a_person_makes_is_a_bucket_and_one_that_is_removed_is_none(
    s3: "S3Client", objects_root: Path
) -> None:
    folder = objects_root / "made-by-hand"
    folder.mkdir()
    (folder / "notes.txt").write_bytes(b"hello")
    assert "made-by-hand" in names(s3)
    assert s3.get_object(Bucket="made-by-hand", Key="notes.txt")["Body"].read() == b"hello"
    s3.put_bucket_tagging(Bucket="made-by-hand", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    (folder / "notes.txt").unlink()
    folder.rmdir()
    assert "made-by-hand" not in names(s3)


def test_a_bucket_with_something_that_is_no_object_is_not_deleted(
    s3: "S3Client", bucket: str, objects_root: Path
) -> None:
    link = objects_root / bucket / "link"
    link.symlink_to("/etc")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert refused(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    link.unlink()
    s3.delete_bucket(Bucket=bucket)


def test_settings_of_a_bucket_are_accepted_and_kept(s3: "S3Client", bucket: str) -> None:
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True},
    )
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_versioning_is_accepted_and_only_the_latest_version_is_kept(s3: "S3Client", bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="a", Body=body)
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [(version["Key"], version["VersionId"], version["IsLatest"]) for version in versions] == [
        ("a", "null", True)
    ]
    assert s3.get_object(Bucket=bucket, Key="a", VersionId="null")["Body"].read() == b"2"
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": "null"}]})
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)
    s3.delete_bucket(Bucket=bucket)


def test_a_listing_of_versions_goes_on_where_it_stopped(s3: "S3Client", bucket: str) -> None:
    for key in ("a", "b", "b/c", "d"):
        s3.put_object(Bucket=bucket, Key=key)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert [version["Key"] for page in pages for version in page["Versions"]] == ["a", "b", "b/c", "d"]


def test_a_first_version_listing_goes_on_from_its_marker(s3: "S3Client", bucket: str) -> None:
    for key in ("a/1", "a/2", "b", "c/1", "d"):
        s3.put_object(Bucket=bucket, Key=key)
    pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1})
    found = [
        [entry["Key"] for entry in page.get("Contents", [])]
        + [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
        for page in pages
    ]
    assert found == [["a/"], ["b"], ["c/"], ["d"]]
