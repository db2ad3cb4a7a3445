"""The logging file: what is in it holds, and what is wrong with it is said in one sentence."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.logging_config import load
from monitoring.structured_logging import (
    Redactor,
    StructuredLogger,
    configure,
    configure_from_file,
)
from tests.logs import logging_put_back, records

SHIPPED = Path(__file__).parent.parent / "config" / "monitoring" / "logging_config.yaml"

KNOWN_KEYS = "expected one of format, level, stream, environment, loggers, redact"
KNOWN_LEVELS = "expected one of debug, info, warning, error, critical"
LEVEL_OF_ALL = "loggers: the level of all loggers together is the setting `level`"
BAD_PATTERN = (
    "a pattern to redact is a regular expression, got '(': "
    "missing ), unterminated subpattern at position 0"
)

log = StructuredLogger("shop.till")


@pytest.fixture(autouse=True)
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; the process's logging is left as it was."""
    with logging_put_back() as stream:
        yield stream


def written(folder: Path, text: str | bytes) -> str:
    """Write a logging file."""
    path = folder / "logging.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_file_says_how_to_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """All of its keys arrive."""
    text = """
        format: json
        level: warning
        stream: stdout
        environment: staging
        loggers: {shop: debug}
        redact: {keys: [iban], patterns: ['cus_[0-9]+']}
    """
    configure_from_file(written(tmp_path, text))
    log.debug("cus_12", iban="DE1")
    logging.getLogger("other").info("left out")
    [record] = records(capfd.readouterr().out)
    assert (record["message"], record["data"]) == ("[redacted]", {"iban": "[redacted]"})
    assert record["context"]["environment"] == "staging"


@pytest.mark.parametrize("text", ["", "# nothing\n", "loggers: {}\n", "redact: {}\n"])
def test_an_empty_file_is_a_good_one(text: str, tmp_path: Path, stream: io.StringIO) -> None:
    """What is not given stays as it is by default."""
    configure(stream=stream, **load(written(tmp_path, text)))
    log.info("seen")
    log.debug("not seen")
    assert [record["message"] for record in records(stream.getvalue())] == ["seen"]


def test_the_shipped_file_says_what_holds_without_it(tmp_path: Path, stream: io.StringIO) -> None:
    """It shows the defaults; its examples are good ones."""
    settings = load(str(SHIPPED))
    assert isinstance(settings.pop("redact"), Redactor)
    assert settings == {
        "format": "json",
        "level": "info",
        "stream": "stderr",
        "environment": "production",
        "loggers": {},
    }
    with_examples = (
        SHIPPED.read_text().replace("#  ", "  ").replace(": {}", ":").replace(": []", ":")
    )
    examples = load(written(tmp_path, with_examples))
    assert examples["loggers"] == {"perfwatch.web": "debug", "asyncio": "warning"}
    assert examples["redact"].text("cus_0123456789abcd card_number=5") == (
        "[redacted] card_number=[redacted]"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour: red", f"unknown key colour: {KNOWN_KEYS}"),
        ("5: 1", f"unknown key 5: {KNOWN_KEYS}"),
        ("redact: {key: [a]}", "unknown key redact.key: expected one of keys, patterns"),
        ("format: xml", "format: expected one of json, console, got 'xml'"),
        ("level: 10", f"level: {KNOWN_LEVELS}, got 10"),
        ("stream: /tmp/log", "stream: expected one of stderr, stdout, got '/tmp/log'"),
        ("stream: [stderr]", "stream: expected one of stderr, stdout, got a list of 1"),
        ("environment: 5", "environment: expected a text, got 5"),
        ("environment: ''", "environment: expected a text, got ''"),
        ("loggers: [a]", "loggers: expected a mapping, got a list of 1"),
        ("loggers: {a: loud}", f"loggers.a: {KNOWN_LEVELS}, got 'loud'"),
        ("loggers: {5: info}", "a name in loggers: expected a text, got 5"),
        ("loggers: {'': info}", f"{LEVEL_OF_ALL}: leave '' out"),
        ("loggers: {root: info}", f"{LEVEL_OF_ALL}: leave 'root' out"),
        ("redact: yes", "redact: expected a mapping, got True"),
        ("redact: {keys: iban}", "redact.keys: expected a list of texts, got 'iban'"),
        ("redact: {keys: [a, 5]}", "redact.keys[1]: expected a text, got 5"),
        ("redact: {keys: [a, '-']}",
         "redact.keys[1]: a key to redact is a name such as card_number, got '-'"),
        ("redact: {patterns: [a, '(']}", f"redact.patterns[1]: {BAD_PATTERN}"),
        ("level: info\nlevel: debug", "line 2: level stands twice: remove one"),
        ("level: info\nx: 2020-99-99",
         "line 2: not valid YAML: '2020-99-99' is no timestamp"),
        ("x: [1,\n!!int '']", "line 2: not valid YAML: '' is no int"),
        ('level: "\\U00110000"',
         "not valid YAML: ValueError: chr() arg not in range(0x110000)"),
        ("- level", "the file: expected a mapping, got a list of 1"),
        ("level: [", "line 1: not valid YAML: expected the node content, but found '<stream end>'"),
        ("&a [*a]", "the file: expected a mapping, got a list of 1"),
        (" " * 1_100_000, "expected a logging file, got more than 1 MiB"),
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, says: str, tmp_path: Path) -> None:
    """File, place, what was expected and what stands there; nothing is changed."""
    before = logging.getLogger().handlers[:]
    path = written(tmp_path, text)
    with pytest.raises(ValueError) as refused:  # noqa: PT011 -- the whole message is compared
        configure_from_file(path)
    assert str(refused.value) == f"{path}: {says}"
    assert logging.getLogger().handlers == before


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"level: \x00", b"!!python/object:x {}"])
def test_what_is_no_yaml_is_said(content: bytes, tmp_path: Path) -> None:
    """Whatever the parser finds."""
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match="not valid YAML"):
        load(path)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With the system's reason."""
    with pytest.raises(ValueError, match=r"none\.yaml: cannot be read: No such file or directory$"):
        load(str(tmp_path / "none.yaml"))
    with pytest.raises(ValueError, match=r": cannot be read: Is a directory$"):
        load(str(tmp_path))
