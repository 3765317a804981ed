"""Where the key of a detector's hash tables comes from."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from geophone.detector_process import configured_key, generated_key
from geophone_shared.errors import ConfigError
from geophone_shared.key_files import key_from_hex
from geophone_shared.settings.sections import DetectorSettings
from geophone_shared.settings.settings import Settings
from tests.support.settings import set_environment

DIGITS = "00112233445566778899aabbccddeeff"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {})


def settings(folder: Path, **detector: object) -> Settings:
    return Settings(data_dir=folder, detector=DetectorSettings.model_validate(detector))


def test_a_key_that_is_set(tmp_path: Path) -> None:
    key = key_from_hex(DIGITS, "here")
    file = tmp_path / "key"
    file.write_bytes(bytes.fromhex(DIGITS))
    file.chmod(0o600)
    for given in ({"hash_key": SecretStr(DIGITS)}, {"hash_key_file": file}):
        found = configured_key(settings(tmp_path, **given))
        assert found is not None
        assert (found.secret, found.warning) == (key, None)


def test_none_is_set(tmp_path: Path) -> None:
    assert configured_key(settings(tmp_path)) is None


def test_a_wrong_key_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"detector\.hash_key holds no hash key") as caught:
        configured_key(settings(tmp_path, hash_key=SecretStr("secret!")))
    assert "secret!" not in str(caught.value)


def test_a_key_is_made_once_with_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    made = generated_key(settings(folder))
    assert generated_key(settings(folder)).secret == made.secret
    assert generated_key(settings(tmp_path / "else")).secret != made.secret
    assert (folder / "hash-key").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="choose another one with --data-dir"):
        generated_key(settings(tmp_path / "file" / "data"))
