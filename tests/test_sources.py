"""The files in tests/config are the specification.

`*.good.yml` loads; `*.bad.yml` gives the message in its first line.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.settings import SettingsError, all_keys, build
from exporter.sources import MAX_FILE_BYTES, explain_unknown, read_environment, read_file
from monitoring.strict_yaml import load

CONFIG = Path(__file__).parent / "config"
KEYS = tuple(all_keys())


@pytest.mark.parametrize("file", sorted(CONFIG.glob("*.good.yml")), ids=lambda file: file.name)
def test_a_good_file_loads(file: Path) -> None:
    """The file can be used as it is."""
    build(read_file(str(file), KEYS))


@pytest.mark.parametrize("file", sorted(CONFIG.glob("*.bad.yml")), ids=lambda file: file.name)
def test_a_bad_file_gives_its_message(file: Path) -> None:
    """The message names the file and the place in it, what was expected, and what stands there."""
    with file.open("rb") as lines:
        expected = lines.readline().decode().removeprefix("# ").rstrip("\n")
    with pytest.raises(SettingsError) as refused:
        read_file(str(file), KEYS)
    assert str(refused.value).replace("\n", r"\n") == f"{file}: {expected}"


def test_a_file_sets_what_it_says() -> None:
    """Every section of a full file arrives in the settings."""
    settings = build(read_file(str(CONFIG / "all-sections.good.yml"), KEYS))
    assert [str(address) for address in settings.web.listen_address] == [
        "127.0.0.1:10100",
        "[::1]:10100",
    ]
    assert settings.web.enable_lifecycle
    assert settings.path.rootfs == "/host"
    assert settings.log.format == "console"
    assert settings.timeout_offset == 0.5
    assert settings.max_series == 1000
    # disable_defaults leaves those that are turned on; options alone turn nothing on.
    assert list(settings.collectors) == ["filesystem", "loadavg", "meminfo"]


def test_an_empty_file_changes_nothing() -> None:
    """A file without settings, or with empty sections, leaves the defaults."""
    for name in ("empty", "empty-sections"):
        assert read_file(str(CONFIG / f"{name}.good.yml"), KEYS) == {}


def test_a_missing_file_is_said() -> None:
    """The message has the path, the system's reason and where to look."""
    with pytest.raises(
        SettingsError, match=r"^/nowhere/x\.yml: cannot be read: No such file .*mode"
    ):
        read_file("/nowhere/x.yml", KEYS)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    """A path that cannot be read as a file gives the system's reason."""
    with pytest.raises(SettingsError, match=r"cannot be read: Is a directory"):
        read_file(str(tmp_path), KEYS)


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    """A path to something else, such as a disk image, neither takes the memory nor the time."""
    file = tmp_path / "large.yml"
    file.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(SettingsError, match=r"larger than 1 MiB"):
        read_file(str(file), KEYS)


def test_aliases_that_multiply_are_refused_at_once() -> None:
    """A `billion laughs` file is refused before it is written out."""
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    laughs = "\n".join(f"  {line}" for line in lines)
    document = load(f"x:\n{laughs}\nweb: {{max_requests: *a11}}\n".encode())
    key = next(key for key in KEYS if key.flag == "web.max-requests")
    with pytest.raises(ValueError, match=r"got a list$"):
        key.parse(document["web"]["max_requests"])


@settings(deadline=None)
@given(
    st.binary(max_size=200) | st.text("{}[]:,&*!|>-#'\"\n\t a1?%@`<~", max_size=60).map(str.encode)
)
@example(b"!!bool x")
@example(b"!!timestamp x")
@example(b"!!int ''")
@example(b"[" * 1000)
@example(b"? {a: 1}\n: 2")
@example(b"2026-13-01: 1")
@example(b"a: " + b"9" * 5000)
def test_yaml_raises_nothing_but_value_errors(content: bytes) -> None:
    """Whatever the file holds, the loader gives a document or one line of reason."""
    try:
        load(content)
    except ValueError as error:
        assert str(error)  # noqa: PT017 -- some of it is valid


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
NAMES = st.sampled_from(sorted({part for key in KEYS for part in key.yaml.split(".")})) | st.text(
    max_size=5
)


@settings(deadline=None)
@given(document=st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner), max_leaves=8))
def test_documents_give_settings_or_a_reason(
    document: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever a valid YAML document holds, it is taken or refused with the file's name."""
    import yaml  # as in the product: only who needs it

    file = tmp_path_factory.getbasetemp() / "generated.yml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    try:
        build(read_file(str(file), KEYS))
    except SettingsError as error:
        assert "docs/configuration.md" in str(error) or "twice" in str(error)  # noqa: PT017


def test_a_variable_sets_a_value() -> None:
    """The value is parsed as the setting wants it."""
    environment = {"PERFWATCH_WEB_MAX_REQUESTS": "3", "PATH": "/bin", "PERFWATCH_CONFIG_FILE": "x"}
    assert read_environment(environment, KEYS) == {"web.max-requests": 3}


def test_an_unknown_variable_is_an_error() -> None:
    """A misspelt variable is not silently ignored, and the right one is proposed."""
    with pytest.raises(SettingsError) as refused:
        read_environment({"PERFWATCH_WEB_MAX_REQUEST": "3"}, KEYS)
    assert str(refused.value) == (
        "unknown environment variable PERFWATCH_WEB_MAX_REQUEST: "
        "did you mean PERFWATCH_WEB_MAX_REQUESTS? (see docs/configuration.md)"
    )


def test_a_wrong_value_in_a_variable_names_it() -> None:
    """The message says which variable, what was expected and what it holds."""
    with pytest.raises(SettingsError) as refused:
        read_environment({"PERFWATCH_WEB_MAX_REQUESTS": "many"}, KEYS)
    assert str(refused.value) == (
        "environment variable PERFWATCH_WEB_MAX_REQUESTS: expected a whole number, 0 or more, "
        "got 'many' (see docs/configuration.md)"
    )


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([key.variable for key in KEYS]), st.text(), max_size=4))
def test_variables_give_settings_or_a_reason(environment: dict[str, str]) -> None:
    """Whatever the variables hold, the values are taken or refused."""
    try:
        build(read_environment(environment, KEYS))
    except SettingsError as error:
        assert "(see docs/configuration.md)" in str(error)  # noqa: PT017 -- some are valid


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("web.max_request", "did you mean web.max_requests?"),
        ("web.nothing_like_it", "remove it"),
        ("wbe.max_requests", "did you mean web.max_requests?"),
        ("colector", "remove it"),
    ],
)
def test_what_was_meant_is_looked_for_in_the_same_section(name: str, hint: str) -> None:
    """A name is compared with its siblings; where its section does not exist, with all names."""
    known = ["web.max_requests", "web.telemetry_path", "timeout_offset"]
    assert hint in explain_unknown("key", name, known)
