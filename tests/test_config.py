"""A wrong setting stops the start, and says which, why and what right looks like."""

from __future__ import annotations

import base64
import re
import secrets
from pathlib import Path

import pytest

from portal.binding import is_loopback
from portal.config import load
from portal.settings import ConfigError

GOOD = """
base_url = "http://127.0.0.1:8000/"
database = "sqlite:///var/portal.db"
municipality = "0851"
[identity.citizen]
issuer = "http://127.0.0.1:8001/op"
client_id = "familieoverblik"
[register]
kind = "fhir"
url = "http://127.0.0.1:8002/register/fhir"
[[actor]]
id = "ppr"
name = "PPR"
sector = "school"
[[source]]
id = "bup"
name = "BUP"
kind = "fhir"
actor = "ppr"
url = "http://127.0.0.1:8002/bup/fhir"
"""


def keys(**more: str) -> dict[str, str]:
    data = base64.b64encode(secrets.token_bytes(32)).decode()
    return {"PORTAL_SECRET_KEYS": secrets.token_urlsafe(40), "PORTAL_DATA_KEYS": data} | more


def read(folder: Path, text: str, environ: dict[str, str] | None = None):
    file = folder / "portal.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ if environ is not None else keys())


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("HTTPS://Host.Example:443/", "https://host.example"),
        ("https://host.example:8443", "https://host.example:8443"),
        ("https://host.example:80", "https://host.example:80"),
        ("http://LOCALHOST:80/", "http://localhost"),
        ("http://[0:0:0:0:0:0:0:1]:8000/", "http://[::1]:8000"),
    ],
)
def test_the_address_is_read_as_browsers_write_it(
    tmp_path: Path, written: str, read_as: str
) -> None:
    """In `Origin`: scheme and host in small letters, without the port that goes without saying."""
    s = read(tmp_path, GOOD.replace("http://127.0.0.1:8000/", written))
    assert s.base_url == s.origin == read_as
    assert s.secure == read_as.startswith("https:")


def test_the_least_file_that_serves(tmp_path: Path) -> None:
    s = read(tmp_path, GOOD)
    assert (s.base_url, s.origin, s.secure) == ("http://127.0.0.1:8000",) * 2 + (False,)
    assert (s.municipality, s.cache, s.register.max_age) == ("0851", "memory://", 60.0)
    assert s.consents.months == 12 and s.purpose and s.before_consent is None
    assert s.source[0].timeout == 2.0 and s.source[0].ages == (0, 199)
    assert s.path("x") == tmp_path / "x"
    for secret in (*s.secret_keys, *map(repr, s.data_keys)):
        assert secret not in repr(s)


WRONG = {
    # what is replaced: (with what, the key that is named)
    'base_url = "http://127.0.0.1:8000/"': [
        ("", "base_url"), ('base_url = "portal"', "base_url"), ('base_url = "ftp://127.0.0.1"', "base_url"),
        ('base_url = "http://kommune.example"', "base_url"), ("base_url = 1", "base_url"),
        ('base_url = "http://127.0.0.1:8000/portal"', "base_url"), ('base_url = "http://127.0.0.1:8000?a=1"', "base_url"),
        ('base_url = "http://127.0.0.1:8000"\nfirst_byte_seconds = -1', "first_byte_seconds"),
        ('base_url = "http://127.0.0.1:8000"\n"a b\\nc" = 1', "a b c"), ('base_url = "http://127.0.0.1:8000"\n"" = 1', ""),
        ('base_url = "http://[::1"', "base_url"), ('base_url = "http://127.0.0.1:http"', "base_url"),
        ('base_url = "http://127.0.0.1.example"', "base_url"), ('base_url = "http://u:p@127.0.0.1"', "base_url"),
        ('base_url = "http://127.0.0.1:8000"\nbase_uri = "x"', "base_uri"),
        ('base_url = "http://127.0.0.1:8000"\nsecret_keys = ["x"]', "secret_keys"),
        ('base_url = "http://127.0.0.1:8000"\nquick_exit_url = "http://dr.dk"', "quick_exit_url"),
        ('base_url = "http://127.0.0.1:8000"\ntrusted_proxies = ["0.0.0.0/0"]', "trusted_proxies"),
        ('base_url = "http://127.0.0.1:8000"\ntrusted_proxies = ["proxy.kommune.example"]', "trusted_proxies"),
    ],
    'database = "sqlite:///var/portal.db"': [
        ("", "database"), ('database = "foo"', "database"), ('database = ""', "database"),
        ('database = "mysql://127.0.0.1/portal"', "database"), ('database = "sqlite:portal.db"', "database"),
        ('database = "sqlite://var/portal.db"', "database"), ('database = "postgresql+psycopg2://127.0.0.1/x"', "database"),
        ('database = "sqlite://"', "database"), ('database = "postgresql+psycopg://127.0.0.1:x/y"', "database"),
    ],
    "[register]": [
        ('[[kind]]\ncoding = "x"\nis = "consern"\n[register]', "kind.is"), ('[[kind]]\ncoding = "x"\nis = ""\n[register]', "kind.is"),
        ('[[kind]]\ncoding = "a*b"\nis = "concern"\n[register]', "kind.coding"), ('[[kind]]\ncoding = "*a"\nis = "concern"\n[register]', "kind.coding"),
        ('[[kind]]\ncoding = "a**"\nis = "concern"\n[register]', "kind.coding"), ('[[kind]]\ncoding = ""\nis = "concern"\n[register]', "kind.coding"),
        ('[[kind]]\ncoding = "http://kle-online.dk|"\nis = "concern"\n[register]', "kind.coding"),
        ('[before_consent]\nbasis = " "\nrole = "sagsbehandler"\n[register]', "before_consent.basis"),
        ('[before_consent]\nbasis = "SL § 11"\nrole = ""\n[register]', "before_consent.role"),
        ('[consents]\nremind_days = -1\n[register]', "consents.remind_days"),
        ('[[kind]]\ncoding = "x"\nis = "excluded:"\n[register]', "kind.is"), ('[[kind]]\ncoding = "x"\n[register]', "kind[0].is"),
        ('[tracing]\nendpoint = "http://collector.example/v1/traces"\n[register]', "tracing.endpoint"),
        ('[tracing]\nsample = 2\n[register]', "tracing.sample"),
        ('[log]\nlevel = "LOUD"\n[register]', "log.level"), ('[log]\nformat = "xml"\n[register]', "log.format"),
        ('[metrics]\nbind = "0.0.0.0:9464"\n[register]', "metrics.bind"), ('[metrics]\nbind = "9464"\n[register]', "metrics.bind"),
        ('[metrics]\nbind = "192.0.2.1:9464"\n[register]', "metrics.bind"), ('[metrics]\nbind = "unix:m.sock"\n[register]', "metrics.bind"),
    ],
    'municipality = "0851"': [
        ("", "municipality"), ('municipality = "851"', "municipality"), ("municipality = 851", "municipality"),
        ('municipality = "08510"', "municipality"),
    ],
    'issuer = "http://127.0.0.1:8001/op"': [
        ("", "identity.citizen.issuer"), ('issuer = "http://mitid.example"', "identity.citizen.issuer"),
    ],
    'client_id = "familieoverblik"': [
        ("", "identity.citizen.client_id"),
        ('client_id = "x"\nclient_key = "keys/none.json"', "identity.citizen.client_key"),
        ('client_id = "x"\nmax_age = -1', "identity.citizen.max_age"),
        ('client_id = "x"\nminimum_loa = "very"', "identity.citizen.minimum_loa"),
        ('client_id = "x"\nclient_secret = "abc"', "identity.citizen.client_secret"),
    ],
    'url = "http://127.0.0.1:8002/register/fhir"': [
        ("", "register.url"), ('url = "http://register.example/fhir"', "register.url"),
        ('url = "http://127.0.0.1:8002"\ntimeout = 0', "register.timeout"), ('url = "http://127.0.0.1:8002"\nmax_age = -1', "register.max_age"),
    ],
    'id = "ppr"': [
        ('id = "p p r"', "actor.id"), ('id = ""', "actor.id"), ('id = "../x"', "actor.id"), ("", "actor"),
        ('id = "jobs"', "source.bup.actor"),
    ],
    'sector = "school"': [
        ('sector = "skole"', "actor.ppr.sector"), ("", "actor.ppr.sector"),
        ('sector = "school"\nidentifiers = ["1003000002"]', "actor.ppr.identifiers"),
        ('sector = "school"\nidentifiers = ["http://p-nummer.dk|"]', "actor.ppr.identifiers"),
        ('sector = "school"\nidentifiers = ["a\\nb"]', "actor.ppr.identifiers"),
        ('sector = "school"\nmunicipality = "851"', "actor.ppr.municipality"), ('sector = "school"\nmunicipality = ""', "actor.ppr.municipality"),
        ('sector = "school"\n[[actor]]\nid = "ppr"\nname = "x"\nsector = "school"', "actor.id"),
    ],
    'kind = "fhir"\nactor = "ppr"': [
        ('kind = "soap"\nactor = "ppr"', "source.bup.kind"), ('kind = "fhir"', "source.bup.actor"),
        ('kind = "fhir"\nactor = "ppr"\ntimezone = "Mars/X"', "source.bup.timezone"),
        ('kind = "fhir"\nactor = "ppr"\ntimezone = "Europe"', "source.bup.timezone"),
        ('kind = "fhir"\nactor = "ppr"\ntimezone = ""', "source.bup.timezone"),
        ('kind = "fhir"\nactor = "ppr"\nages = [17, 0]', "source.bup.ages"), ('kind = "fhir"\nactor = "ppr"\nages = [-1, 17]', "source.bup.ages"),
        ('kind = "fhir"\nactor = "ppr"\nages = [17]', "source.bup.ages"), ('kind = "fhir"\nactor = "ppr"\nages = [0, 17]\nconnected = false\ncache_seconds = -1', "source.bup.cache_seconds"),
        ('kind = "fhir"\nactor = "ppr"\nstale_seconds = -1', "source.bup.stale_seconds"),
        ('kind = "fhir"\nactor = "ppr"\nages = ["0", 17]', "source.bup.ages"), ('kind = "fhir"\nactor = "nobody"', "source.bup.actor"),
        ('kind = "fhir"\nactor = "ppr"\ntimeout = 0', "source.bup.timeout"),
        ('kind = "fhir"\nactor = "ppr"\ntimout = 2', "source.bup.timout"),
        ('kind = "fhir"\nactor = "ppr"\nhvadsomhelst = 2', "source.bup.hvadsomhelst"),
    ],
    'url = "http://127.0.0.1:8002/bup/fhir"': [
        ("", "source.bup.url"), ('url = "http://bup.example/fhir"', "source.bup.url"),
        ('url = "https://bup.example/170817-9911/fhir"', "source.bup.url"),
        ('url = "https://bup.example/?cpr=1708179911"', "source.bup.url"),
        ('url = "http://127.0.0.1:8002/a"\n[[source]]\nid = "bup"\nname = "x"\nkind = "fhir"\nactor = "ppr"\n'
         'url = "http://127.0.0.1:8002/b"', "source.id"),
    ],
}  # fmt: skip
CASES = [(old, new, key) for old, news in WRONG.items() for new, key in news]


@pytest.mark.parametrize(("old", "new", "key"), CASES)
def test_a_wrong_setting_is_named(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as wrong:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert wrong.value.key.startswith(key), wrong.value
    assert re.fullmatch(r"[^:]*: .+ \(example: .+\)", str(wrong.value)), "one line, one cause"


def test_a_misspelt_key_is_shown_as_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"source\.bup\.timout: .*\(example: timeout = 2\.0\)"):
        read(tmp_path, GOOD + "timout = 2")


TWO = """
[[actor]]
id = "jobs"
name = "Jobcenter"
sector = "employment"
identifiers = ["http://p-nummer.dk|1", "sts|urn:uuid:0D5FFA4B-3a4e-4a3a-9bd5-2f6d1c3f5d10", "x|A"]
[[actor]]
id = "skole"
name = "Skolen"
sector = "school"
identifiers = ["{}"]
"""


@pytest.mark.parametrize("other", ["x|a", "|1003000002", 'a|b", "a|b', "http://p-nummer.dk|1"])
def test_an_identifier_may_be_shared_or_have_no_system(tmp_path: Path, other: str) -> None:
    """contract.md "Staff": an employee belongs to *each* actor that has it."""
    assert read(tmp_path, GOOD + TWO.format(other)).actors["skole"].identifiers


@pytest.mark.parametrize("coding", ["x", "x*", "*", "|x", "http://kle-online.dk|27*", "a|b|*"])
def test_a_coding_that_can_match(tmp_path: Path, coding: str) -> None:
    assert read(tmp_path, GOOD + f'[[kind]]\ncoding = "{coding}"\nis = "concern"').kind


@pytest.mark.parametrize("files", ['cert = "x.pem"', 'cert = "x.pem"\nkey = "x.pem"'])
def test_a_missing_file_of_a_certificates_key_is_no_jwk(tmp_path: Path, files: str) -> None:
    with pytest.raises(ConfigError, match=r"\.auth\.(cert|key): there is no file .*keys/portal\."):
        read(tmp_path, GOOD + f'[source.auth]\nkind = "mtls"\n{files}\n')


def test_a_certificate_that_holds_its_key_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "both.pem"
    file.write_text("")
    text = GOOD + '[source.auth]\nkind = "mtls"\ncert = "both.pem"\n'
    file.chmod(0o644)
    with pytest.raises(ConfigError, match=r"^source\.bup\.auth\.cert: .*chmod 600"):
        read(tmp_path, text)
    file.chmod(0o600)
    assert read(tmp_path, text)


@pytest.mark.parametrize("name", ["concern", "document", "refused", "excluded:Befordring"])
def test_a_kind_that_is_known(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, GOOD + f'[[kind]]\ncoding = "x"\nis = "{name}"').kind[0].is_ == name


def test_an_owners_address_that_is_none_is_named_and_not_repeated(tmp_path: Path) -> None:
    text = GOOD.replace("municipality", 'database_owner_env = "OWNER"\nmunicipality', 1)
    with pytest.raises(ConfigError, match="OWNER: ") as wrong:
        read(tmp_path, text, keys(OWNER="hemmelig@db"))
    assert "hemmelig" not in str(wrong.value)


DATA, OTHER = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in "ab")
SECRETS = (secrets.token_urlsafe(32), secrets.token_urlsafe(32))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_SECRET_KEYS", ""),
        ("PORTAL_SECRET_KEYS", "sh0rt"),
        ("PORTAL_SECRET_KEYS", "x" * 40 + ",sh0rt"),
        ("PORTAL_DATA_KEYS", ""),
        ("PORTAL_DATA_KEYS", "not base64!"),
        ("PORTAL_DATA_KEYS", base64.b64encode(b"x" * 16).decode()),
        ("PORTAL_DATA_KEYS", base64.b64encode(bytes(32)).decode()),
        ("PORTAL_DATA_KEYS", DATA + ",x"),
    ],
    ids=["none", "short", "one-short", "no-data", "no-base64", "half", "zeros", "one-odd"],
)
def test_keys_are_there_and_good_and_never_repeated(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        read(tmp_path, GOOD, keys(**{name: value}))
    assert wrong.value.key == name
    assert not value or value not in str(wrong.value), "a secret in an error message"


def test_several_keys(tmp_path: Path) -> None:
    s = read(
        tmp_path,
        GOOD,
        keys(PORTAL_SECRET_KEYS=f"{SECRETS[0]}, {SECRETS[1]}", PORTAL_DATA_KEYS=f"{DATA},{OTHER}"),
    )
    assert s.secret_keys == SECRETS
    assert len(s.data_keys) == 2


def test_keys_under_other_names(tmp_path: Path) -> None:
    text = GOOD.replace("\n[identity", '\nsecret_keys_env = "MINE"\n[identity', 1)
    with pytest.raises(ConfigError) as wrong:
        read(tmp_path, text)
    assert wrong.value.key == "MINE"
    assert read(tmp_path, text, keys(MINE=SECRETS[0])).secret_keys == SECRETS[:1]


@pytest.mark.parametrize("text", ["", "base_url", "[", "\x00", "a = 1\na = 2"])
def test_what_is_no_toml_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        read(tmp_path, text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file"):
        load(tmp_path / "none.toml", keys())
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, keys())


def test_a_key_file_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "portal.jwk.json"
    file.write_text("{}")
    text = GOOD.replace(
        'client_id = "familieoverblik"', 'client_id = "x"\nclient_key = "portal.jwk.json"'
    )
    for mode, ok in ((0o644, False), (0o640, False), (0o600, True)):
        file.chmod(mode)
        if ok:
            assert read(tmp_path, text)
        else:
            with pytest.raises(ConfigError, match="chmod 600"):
                read(tmp_path, text)


def test_https_needs_no_loopback_and_makes_cookies_secure(tmp_path: Path) -> None:
    s = read(
        tmp_path, GOOD.replace("http://127.0.0.1:8000/", "https://familieoverblik.kommune.example")
    )
    assert s.secure and s.origin == "https://familieoverblik.kommune.example"


@pytest.mark.parametrize(
    ("host", "loop"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("127.0.0.1.example", False), ("10.0.0.1", False), ("localhost.example", False), ("", False)],
)  # fmt: skip
def test_what_is_loopback(host: str, loop: bool) -> None:
    assert is_loopback(host) is loop
