"""Parts too small for a file of their own."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.calls import Call
from localcloud.errors import ApiError, LocalCloudError
from localcloud.functions.configuration import FunctionConfiguration, worker_environment
from localcloud.gateway import Gateway
from localcloud.guardian import living
from localcloud.iam import Credentials
from localcloud.images import ContainerImages, LocalImages, container_engine, image_name


def call(body: bytes = b"", **environ: str) -> Call:
    return Call(
        {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "QUERY_STRING": "", "wsgi.input": io.BytesIO(body)} | environ
    )


SCOPE = "Credential=AKID/20260101/eu-west-1/batch/aws4_request, SignedHeaders=host, Signature=x"


def test_a_call_is_known_by_its_signature_s_scope() -> None:
    signed = call(HTTP_AUTHORIZATION=f"AWS4-HMAC-SHA256 {SCOPE}")
    assert (signed.service, signed.region, signed.access_key) == ("batch", "eu-west-1", "AKID")
    presigned = call(QUERY_STRING="X-Amz-Credential=AKID%2F20260101%2Feu-west-1%2Fs3%2Faws4_request")
    assert (presigned.service, presigned.region) == ("s3", "eu-west-1")
    assert call().service == ""


def test_a_body_can_be_read_and_read_again() -> None:
    asked = call(b'{"a": 1}', CONTENT_LENGTH="8")
    assert asked.json() == {"a": 1}
    assert asked.environ["wsgi.input"].read() == b'{"a": 1}'
    with pytest.raises(ApiError, match="SerializationException"):
        call(b"[]").json()


def test_the_gateway_routes_by_service() -> None:
    def named(name: str) -> Any:
        return lambda *_: [name.encode()]

    def service(asked: Call) -> None:
        if asked.path == "/refused":
            raise ApiError(400, "ClientException", "no")

    gateway = Gateway({"batch": service}, objects=named("objects"), fallback=named("moto"))
    answers: list[str] = []

    def ask(path: str, **environ: str) -> bytes:
        base = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "wsgi.input": io.BytesIO()}
        base["HTTP_HOST"] = "localhost"
        return b"".join(gateway(base | environ, lambda status, _: answers.append(status)))

    batch = f"AWS4-HMAC-SHA256 {SCOPE}"
    assert ask("/", HTTP_AUTHORIZATION=batch) == b"moto"
    assert b'"message":"no"' in ask("/refused", HTTP_AUTHORIZATION=batch)
    assert answers == ["400 Bad Request"]
    assert ask("/", HTTP_AUTHORIZATION=batch.replace("/batch/", "/sns/")) == b"moto"
    assert ask("/bucket/key", HTTP_AUTHORIZATION=batch.replace("/batch/", "/s3/")) == b"objects"
    assert ask("/bucket/key") == b"objects"
    assert ask("/moto-api/reset") == b"moto"


def test_credentials_lead_back_to_role_and_session() -> None:
    credentials = Credentials("123456789012")
    keys = credentials.credentials_for("arn:aws:iam::123456789012:role/path/Job", "job-1")
    asked = call(
        HTTP_AUTHORIZATION=f"AWS4 {SCOPE.replace('AKID', keys['AWS_ACCESS_KEY_ID'])}",
        HTTP_X_AMZ_SECURITY_TOKEN=keys["AWS_SESSION_TOKEN"],
    )
    principal = credentials.principal(asked)
    assert principal.role_arn == "arn:aws:iam::123456789012:role/path/Job"
    assert principal.arn("123456789012") == "arn:aws:sts::123456789012:assumed-role/Job/job-1"
    other = credentials.credentials_for("arn:aws:iam::123456789012:role/path/Job", "job-2")
    assert other["AWS_ACCESS_KEY_ID"] == keys["AWS_ACCESS_KEY_ID"]
    stranger = credentials.principal(call(HTTP_AUTHORIZATION=f"AWS4 {SCOPE}"))
    assert stranger.arn("123456789012") == "arn:aws:iam::123456789012:root"


def test_a_torn_session_token_is_refused() -> None:
    credentials = Credentials("123456789012")
    keys = credentials.credentials_for("arn:aws:iam::123456789012:role/Job", "job")
    scope = SCOPE.replace("AKID", keys["AWS_ACCESS_KEY_ID"])
    with pytest.raises(ApiError, match="InvalidClientTokenId"):
        credentials.principal(call(HTTP_AUTHORIZATION=f"AWS4 {scope}", HTTP_X_AMZ_SECURITY_TOKEN="torn"))


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("pricer", "pricer"),
        ("pricer:1", "pricer"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/stepbatch/pricer:latest", "pricer"),
        ("registry.example:5000/a/b/pricer@sha256:00ff", "pricer"),
    ],
)
def test_an_image_s_program_has_the_last_part_of_its_name(image: str, name: str) -> None:
    assert image_name(image) == name


def test_an_image_runs_its_package_with_every_layer(tmp_path: Path) -> None:
    package = tmp_path / "containers" / "pricer" / "pricer"
    package.mkdir(parents=True)
    (tmp_path / "layers" / "fanout").mkdir(parents=True)
    with pytest.raises(LookupError, match=r"the image a/pricer:1 needs .*__main__\.py, which does not exist"):
        LocalImages(tmp_path).command("a/pricer:1")
    (package / "__main__.py").touch()
    image = LocalImages(tmp_path).command("a/pricer:1")
    assert image.package == "pricer"
    assert image.argv_prefix[1:] == ("-m", "pricer")
    assert image.pythonpath == (tmp_path / "containers" / "pricer", tmp_path / "layers" / "fanout")


def test_an_image_with_an_environment_of_its_own_runs_in_it(tmp_path: Path) -> None:
    package = tmp_path / "containers" / "renderer" / "renderer"
    package.mkdir(parents=True)
    (package / "__main__.py").touch()
    assert LocalImages(tmp_path).command("renderer").argv_prefix[0] == sys.executable
    own = tmp_path / "containers" / "renderer" / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert LocalImages(tmp_path).command("renderer").argv_prefix[0] == str(own)


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Podman that has the images whose names are lines of ``images``; Docker is there, but its daemon is not."""
    (tmp_path / "images").write_text("stepbatch/pricer\nregistry/own/tool:2\n")
    for name, script in {
        "docker": "exit 1",
        "podman": f'[ "$1" = info ] || grep -qxF "$3" {tmp_path}/images',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_an_image_is_looked_for_by_its_own_name_then_among_ours(podman: Path) -> None:
    images = ContainerImages(container_engine())
    ours = images.command("123456789012.dkr.ecr.us-east-1.amazonaws.com/stepbatch/pricer:latest")
    assert (ours.argv_prefix, ours.reference, ours.package) == (("podman",), "stepbatch/pricer", None)
    assert images.command("registry/own/tool:2").reference == "registry/own/tool:2"
    with pytest.raises(LookupError, match=r"podman has neither a/worker:1 nor stepbatch/worker: build it, make images"):
        images.command("a/worker:1")
    (podman / "images").write_text("stepbatch/worker\n")
    assert images.command("a/worker:1").reference == "stepbatch/worker"


def test_a_machine_without_containers_says_so(podman: Path) -> None:
    (podman / "podman").write_text("#!/bin/sh\nexit 125\n")
    with pytest.raises(LocalCloudError, match="need Docker or Podman"):
        container_engine()


def test_the_guardian_knows_which_groups_live() -> None:
    assert living(["+1\n", "+2\n", "-1\n", "+3\n", "-9\n"]) == {2, 3}
    assert living([]) == set()


def test_a_worker_has_lambdas_variables_and_of_the_developer_s_only_path_and_lang(tmp_path: Path) -> None:
    built = tmp_path / "built"
    (built / "python").mkdir(parents=True)
    function = FunctionConfiguration(
        name="f",
        version="3",
        arn="arn",
        handler="m.h",
        role="role",
        code=tmp_path,
        layers=(built, tmp_path / "plain"),
        environment={"OWN": "1", "AWS_ENDPOINT_URL": "", "PATH": "/own"},
        memory=512,
    )
    made = worker_environment(
        function,
        inherited={"PATH": "/usr/bin", "LANG": "C", "SECRET": "x", "AWS_PROFILE": "mine"},
        credentials={"AWS_ACCESS_KEY_ID": "k"},
        endpoint_url="http://here",
        region="eu-west-1",
        runtime_api="127.0.0.1:1",
        log_stream="s",
        scratch=tmp_path / "scratch",
    )
    assert made["PYTHONPATH"] == f"{tmp_path}:{built / 'python'}:{tmp_path / 'plain'}"
    assert made["AWS_ENDPOINT_URL"] == "http://here"
    assert (made["OWN"], made["PATH"], made["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) == ("1", "/own", "512")
    assert not {"SECRET", "AWS_PROFILE"} & set(made)
