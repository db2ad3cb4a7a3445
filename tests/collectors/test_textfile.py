"""The textfile collector: files of other programs, of which a bad one costs only itself."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exporter.collectors._textfile_file import MAX_BYTES
from exporter.collectors.textfile import Options, TextfileCollector, parse_directories
from exporter.exposition import TEXT, Renderer
from exporter.kernel import KernelTree
from monitoring.structured_logging import configure
from tests.logs import records
from tests.samples import read_samples

ERROR = "node_textfile_scrape_error"


class Folder:
    """A directory of text files, and what a collector makes of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def write(self, name: str, text: str) -> Path:
        """Write a file as one should: aside, and then moved into its place."""
        aside = self.path / f"{name}.tmp"
        aside.write_text(text)
        return aside.rename(self.path / name)

    def reason(self, samples: dict[str, float], name: str) -> str:
        """Find why a file is not shown."""
        start = f'perfwatch_textfile_file_error{{file="{self.path / name}",reason="'
        (found,) = [key for key in samples if key.startswith(start)]
        return found.removeprefix(start).removesuffix('"}')


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty directory."""
    return Folder(tmp_path / "texts")


def make(*folders: str | Path, **named: Any) -> TextfileCollector:
    """Make a collector of these directories."""
    max_age = named.pop("max_age", 0.0)
    options = Options(directory=tuple(map(str, folders)), max_age=max_age)
    return TextfileCollector(KernelTree(), options, **named)


def foreign(samples: dict[str, float]) -> dict[str, float]:
    """Leave out what the collector says of the files."""
    return {
        name: value
        for name, value in samples.items()
        if not name.startswith(("node_textfile_", "perfwatch_"))
    }


def test_without_a_directory_there_is_no_error() -> None:
    """The default is no directory, of which node_exporter says the same."""
    assert read_samples(make().collect()) == {ERROR: 0}


def test_files_are_shown_as_they_are(folder: Folder) -> None:
    """All *.prom files, with type and help; others are not looked at."""
    path = folder.write("jobs.prom", "# HELP jobs Jobs done.\n# TYPE jobs counter\njobs 3\n")
    folder.write("b.prom", 'b{c="d"} 2\nb{e="f"} 3\n')
    folder.write("other.txt", "no text")
    os.utime(path, ns=(0, 1_700_000_000_900_000_000))
    items = list(make(folder.path).collect())
    samples = read_samples(items)
    assert samples['b{c="d"}'] == 2
    assert samples['b{e="f"}'] == 3
    assert samples[f'node_textfile_mtime_seconds{{file="{path}"}}'] == 1_700_000_000
    assert samples[ERROR] == 0
    text = Renderer(TEXT).render(items)
    assert b"# HELP jobs Jobs done.\n# TYPE jobs counter\njobs 3\n" in text
    assert b"# TYPE b untyped\n" in text


def test_unchanged_files_are_not_read_again(folder: Folder) -> None:
    """The same objects come again, whatever else has changed, so they are rendered once."""
    path = folder.write("a.prom", "a 1\n")
    collector = make(folder.path)
    first = list(collector.collect())
    assert all(one is other for one, other in zip(first, collector.collect(), strict=True))
    folder.write("b.prom", "b 1\n")
    second = list(collector.collect())
    assert second[0] is first[0]
    folder.write("a.prom", "a 2\n")
    assert read_samples(collector.collect())["a"] == 2
    path.unlink()
    assert foreign(read_samples(collector.collect())) == {"b": 1}


def test_a_file_that_was_set_back_in_time_is_read(folder: Folder) -> None:
    """`cp -p` gives a new content an old date."""
    path = folder.write("a.prom", "a 1\n")
    collector = make(folder.path)
    list(collector.collect())
    status = path.stat()
    path.write_text("a 2\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert read_samples(collector.collect())["a"] == 2


def test_directories_may_be_many_and_patterns(tmp_path: Path) -> None:
    """Each directory in its turn; a pattern that matches nothing is a directory that is missing."""
    for name in ("a1", "a2", ".a3", "b"):
        Folder(tmp_path / name).write("x.prom", f"{name.strip('.')} 1\n")
    assert foreign(read_samples(make(tmp_path / "a[^2]", tmp_path / "*").collect())) == {
        "a1": 1,
        "a2": 1,
        "a3": 1,
        "b": 1,
    }
    samples = read_samples(make(f"{tmp_path}/b//", tmp_path / "c*").collect())
    assert foreign(samples) == {"b": 1}
    assert f'node_textfile_mtime_seconds{{file="{tmp_path}/b/x.prom"}}' in samples
    assert samples[ERROR] == 1
    reason = f'perfwatch_textfile_file_error{{file="{tmp_path}/c*",reason="unreadable"}}'
    assert samples[reason] == 1


class Bad(NamedTuple):
    """A file that cannot be shown beside `a.prom`, and why."""

    reason: str
    text: str


@pytest.mark.parametrize(
    "bad",
    [
        Bad("syntax", "b 1\nb{ 2\n"),
        Bad("syntax", '# TYPE b histogram\nb_bucket{le="1"} 1\n'),
        Bad("timestamps", "b 1 1234567\n"),
        Bad("duplicate", "b 1\nb 1\n"),
        Bad("duplicate", 'b 1\n# TYPE a gauge\na{x="1"} 2\n'),
        Bad("duplicate", 'b 1\nh_count{x="y"} 2\n'),
        Bad("type", "b 1\n# TYPE a counter\na 2\n"),
        Bad("reserved_name", "b 1\nperfwatch_own 1\n"),
        Bad("reserved_name", "b 1\nnode_textfile_scrape_error 0\n"),
        Bad("reserved_name", "b 1\nprocess_open_fds 0\n"),
        Bad("too_large", "#" * MAX_BYTES + "\n"),
    ],
    ids=lambda bad: bad.reason,
)
def test_a_bad_file_costs_itself(folder: Folder, bad: Bad) -> None:
    """It is not shown, its reason is, and its neighbours stay; mended, it comes back."""
    folder.write("a.prom", '# TYPE a gauge\na{x="1"} 1\n')
    folder.write("h.prom", '# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n')
    folder.write("k.prom", bad.text)
    folder.write("z.prom", "z 1\n")
    collector = make(folder.path)
    samples = read_samples(collector.collect())
    assert samples[ERROR] == 1
    assert folder.reason(samples, "k.prom") == bad.reason
    shown = {'a{x="1"}': 1, 'h_bucket{le="+Inf"}': 1, "h_sum": 1, "h_count": 1, "z": 1}
    assert foreign(samples) == shown
    assert f'node_textfile_mtime_seconds{{file="{folder.path / "k.prom"}"}}' not in samples
    folder.write("k.prom", 'good{x="2"} 2\n')
    samples = read_samples(collector.collect())
    assert foreign(samples) == shown | {'good{x="2"}': 2}
    assert samples[ERROR] == 0


def test_one_family_in_two_files_is_one_family(folder: Folder) -> None:
    """It has one head, and the help of the first file that has one."""
    folder.write("a.prom", '# TYPE f gauge\nf{x="1"} 1\n')
    folder.write("b.prom", '# HELP f First.\n# TYPE f gauge\nf{y="2"} 2\n')
    folder.write("c.prom", '# HELP f Other.\n# TYPE f gauge\nf{x="3"} 3\n')
    items = list(make(folder.path).collect())
    text = Renderer(TEXT).render(items)
    assert text.count(b"# TYPE f ") == text.count(b"# HELP f First.\n") == 1
    samples = read_samples(items)
    assert foreign(samples) == {'f{x="1"}': 1, 'f{y="2"}': 2, 'f{x="3"}': 3}
    assert samples[ERROR] == 0


def test_the_log_says_where_the_error_is(folder: Folder, stream: io.StringIO) -> None:
    """Once for each error, and once when it is mended: a line number is nowhere else."""
    configure(stream=stream)
    collector = make(folder.path, folder.path / "missing")
    for name, text in (("a.prom", "a 1\nb\n"), ("b.prom", "b 1\n"), ("a.prom", "a 1\n")):
        folder.write(name, text)
        list(collector.collect())
    said = [(line["message"], line["data"].get("detail")) for line in records(stream.getvalue())]
    assert said == [
        ("text file left out", "No such file or directory"),
        ("text file left out", "line 2: neither a sample nor a comment: 'b'"),
        ("text file shown again", None),
    ]


def test_a_file_that_has_just_gone_is_no_error(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the listing and the look at it a writer may have replaced it by another name."""
    folder.write("a.prom", "a 1\n")
    monkeypatch.setattr(os, "listdir", lambda _: ["a.prom", "gone.prom"])
    samples = read_samples(make(folder.path).collect())
    assert foreign(samples) == {"a": 1}
    assert samples[ERROR] == 0


def make_pipe(path: Path) -> None:
    """Make a pipe that nobody writes to."""
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    """Leave a socket."""
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))


def make_loop(path: Path) -> None:
    """Make a link to itself."""
    path.symlink_to(path.name)


def make_dead_link(path: Path) -> None:
    """Make a link that leads nowhere."""
    path.symlink_to("nowhere")


@pytest.mark.parametrize(
    "put", [make_pipe, make_socket, make_loop, make_dead_link, Path.mkdir], ids=lambda f: f.__name__
)
def test_what_is_no_file_is_not_waited_for(folder: Folder, put: Callable[[Path], None]) -> None:
    """Pipes, sockets, directories and broken links are errors of their own."""
    folder.write("a.prom", "a 1\n")
    put(folder.path / "b.prom")
    collector = make(folder.path)
    for _ in range(2):
        samples = read_samples(collector.collect())
        assert foreign(samples) == {"a": 1}
        assert folder.reason(samples, "b.prom") == "unreadable"


def test_links_are_followed(folder: Folder, tmp_path: Path) -> None:
    """As node_exporter does it; what the link leads to counts, and its changes."""
    target = tmp_path / "target"
    target.write_text("a 1\n")
    (folder.path / "a.prom").symlink_to(target)
    collector = make(folder.path)
    assert foreign(read_samples(collector.collect())) == {"a": 1}
    target.write_text("a 22\n")
    assert foreign(read_samples(collector.collect())) == {"a": 22}


def test_old_files_are_not_shown(folder: Folder) -> None:
    """But their age is, and they are no error: a job that has stopped is seen by its date."""
    now = [1_700_000_000.0]
    for name, age in (("new.prom", 60), ("old.prom", 7200)):
        path = folder.write(name, f"{name[:3]} 1\n")
        os.utime(path, (now[0] - age, now[0] - age))
    collector = make(folder.path, max_age=3600.0, now=lambda: now[0])
    samples = read_samples(collector.collect())
    assert foreign(samples) == {"new": 1}
    assert folder.reason(samples, "old.prom") == "stale"
    assert samples[f'node_textfile_mtime_seconds{{file="{path}"}}'] == now[0] - 7200
    assert samples[ERROR] == 0
    now[0] += 3600
    assert foreign(read_samples(collector.collect())) == {}


@pytest.mark.parametrize(
    ("raw", "directories"),
    [("", ()), ("/a b,c", ("/a b,c",)), (["/a", "", "/b"], ("/a", "/b")), ([""], ())],
)
def test_directories_are_a_name_or_a_list(raw: Any, directories: tuple[str, ...]) -> None:
    """A flag may be repeated, YAML gives a list, a variable names one."""
    assert parse_directories(raw) == directories


def test_a_directory_is_a_text() -> None:
    """Anything else is an error."""
    with pytest.raises(ValueError, match="expected a text"):
        parse_directories([1])
