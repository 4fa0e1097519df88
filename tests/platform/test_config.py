"""The one list of settings: sources in order, every fault at once."""

from pathlib import Path

import pytest

from qudao.web import config


def test_defaults_need_no_source(tmp_path):
    chosen = config.load({})
    assert chosen.port == 8000
    assert chosen.time_zone == "Asia/Shanghai"
    assert chosen.state_dir.is_absolute()
    assert chosen.media_dir == chosen.state_dir / "media"


def test_file_then_variable_then_variable_that_names_a_file(tmp_path):
    file = tmp_path / "qudao.toml"
    file.write_text('port = 1\nlog_level = "DEBUG"\nweb_workers = 3\nstate_dir = "state"\n')
    secret = tmp_path / "port"
    secret.write_text("3\n")
    env = {"QUDAO_CONFIG": str(file), "QUDAO_PORT": "2", "QUDAO_PORT_FILE": str(secret), "QUDAO_WEB_WORKERS": "5"}
    chosen = config.load(env)
    assert (chosen.port, chosen.web_workers, chosen.log_level) == (3, 5, "DEBUG")
    assert chosen.state_dir == tmp_path / "state", "a relative path counts from the file that sets it"


def test_database_url_is_taken_unless_our_own_variable_is_set():
    url = "postgresql://u:p@h/d"
    assert config.load({"DATABASE_URL": url}).database_url == url
    assert config.load({"DATABASE_URL": url, "QUDAO_DATABASE_URL": url + "2"}).database_url == url + "2"


def test_all_faults_are_reported_at_once_with_the_settings_names(tmp_path):
    file = tmp_path / "qudao.toml"
    file.write_text("web_worker = 3\nweb_threads = 0\n")
    env = {
        "QUDAO_CONFIG": str(file),
        "QUDAO_PORT": "eighty",
        "QUDAO_TIME_ZONE": "Mars/Olympus",
        "QUDAO_DEBUG": "perhaps",
        "QUDAO_TRUSTED_PROXIES": "10.0.0.1, elsewhere",
        "QUDAO_SECRET_KEY_FILE": str(tmp_path / "nothing"),
        "QUDAO_LOG_LEVLE": "INFO",
        "DATABASE_URL": "mysql://h/d",
    }
    with pytest.raises(config.ConfigError) as caught:
        config.load(env)
    named = {fault.split()[0] for fault in caught.value.faults}
    assert named == {
        *("web_worker", "web_threads", "port", "time_zone", "debug", "trusted_proxies", "secret_key", "QUDAO_LOG_LEVLE", "database_url"),
    }
    assert any("did you mean web_workers" in fault for fault in caught.value.faults)


def test_a_file_that_is_named_must_exist_and_be_toml(tmp_path):
    with pytest.raises(config.ConfigError, match="does not exist"):
        config.load({"QUDAO_CONFIG": str(tmp_path / "none.toml")})
    (tmp_path / "bad.toml").write_text("port = ")
    with pytest.raises(config.ConfigError, match="cannot be read"):
        config.load({"QUDAO_CONFIG": str(tmp_path / "bad.toml")})


@pytest.mark.parametrize("url", ["postgresql://h:99999/d", "postgresql://u@h:5432", "http://h/d"])
def test_a_database_url_that_cannot_work_is_refused(url):
    with pytest.raises(config.ConfigError, match="database_url"):
        config.load({"DATABASE_URL": url})


def test_every_setting_has_a_meaning_and_secrets_are_not_shown():
    rows = config.describe(config.load({"QUDAO_SECRET_KEY": "very secret", "DATABASE_URL": "postgresql://u:pass@h/d"}))
    assert all(row["meaning"] and row["type"] and row["variable"].startswith("QUDAO_") for row in rows)
    assert "very secret" not in str(rows)
    assert "pass@" not in str(rows)


def test_the_secret_key_is_made_once_and_only_for_its_owner(tmp_path):
    chosen = config.load({"QUDAO_STATE_DIR": str(tmp_path / "state")})
    key = config.secret_key(chosen)
    assert len(key) > 40
    assert config.secret_key(chosen) == key
    assert Path(tmp_path / "state" / "secret_key").stat().st_mode & 0o077 == 0


def test_given_names_only_what_a_source_sets():
    assert config.given({"QUDAO_PORT": "1"}) == {"port"}


def test_links_in_mails_lead_somewhere_without_a_base_url():
    assert config.load({}).address == "http://localhost:8000"
    assert config.load({"QUDAO_HOSTS": "*,dms.example.com", "QUDAO_TLS": "true"}).address == "https://dms.example.com"
    assert config.load({"QUDAO_BASE_URL": "https://a.example"}).address == "https://a.example"
