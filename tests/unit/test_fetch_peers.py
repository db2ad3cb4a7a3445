"""tools/fetch_peers.py, with programs in PATH that answer as apt does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers import find_peer
from tools import fetch_peers

APT_GET = """#!/bin/sh
case "$*" in
indextargets*)
    echo "Other Other http://third.party.invalid/debian/"
    echo "Debian Debian-Security http://security.invalid/debian-security/"
    echo "Debian Debian http://mirror.invalid/debian/" ;;
update)
    grep -q " sid " "$(dirname "$APT_CONFIG")/sources.list" || exit 0
    echo "W: GPG error: http://mirror.invalid sid InRelease: NO_PUBKEY 0123456789ABCDEF" >&2
    echo "E: The repository 'http://mirror.invalid sid InRelease' is not signed." >&2
    exit 100 ;;
"download promtool")
    echo "E: Unable to locate package promtool" >&2
    exit 100 ;;
download*)
    echo "$2" >> "$DOWNLOADED"
    touch "$2_1.0_all.deb" ;;
esac
"""

DPKG_DEB = """#!/bin/sh
mkdir "$3" && mkdir -p "$3/usr/bin" || exit 2
for name in prometheus promtool prometheus-node-exporter prometheus-alertmanager amtool \
        compose-spec kustomize victoria-metrics; do
    printf '#!/bin/sh\\necho "%s, version 1.0 (branch: x)"\\n' $name > "$3/usr/bin/$name"
    chmod +x "$3/usr/bin/$name"
done
mkdir -p "$3/usr/share/prometheus/alertmanager" "$3/usr/libexec"
printf '#!/bin/sh\\necho "Docker Compose version 2.0"\\n' > "$3/usr/libexec/docker-compose"
chmod +x "$3/usr/libexec/docker-compose"
ln -s ../libexec/docker-compose "$3/usr/bin/docker-compose"
"""


def write_program(folder: Path, name: str, text: str) -> None:
    """Put a program into a folder of PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for peers, on a laptop with nothing in PATH but the bare tools."""
    monkeypatch.setattr(fetch_peers, "HOME", tmp_path / "peers")
    monkeypatch.setenv("DOWNLOADED", str(tmp_path / "downloaded"))
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("sh", "grep", "dirname", "touch", "mkdir", "chmod", "ln"):
        found = next(path for path in ("/bin", "/usr/bin") if Path(path, name).exists())
        (bare / name).symlink_to(Path(found, name))
    monkeypatch.setenv("PATH", f"{tmp_path / 'apt'}:{bare}")
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


@pytest.fixture
def debian(home: Path) -> Path:
    """The same with an apt whose keys do not verify sid, and programs in the suites after it."""
    write_program(home / "apt", "apt-get", APT_GET)
    write_program(home / "apt", "apt-config", "#!/bin/sh\necho 'Acquire::http::Proxy \"\";'\n")
    write_program(home / "apt", "dpkg", "#!/bin/sh\necho amd64\n")
    write_program(home / "apt", "dpkg-deb", DPKG_DEB)
    return home


def test_without_apt_a_laptop_is_told_why(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No apt is no error outside CI, and the reason and its effect are printed."""
    assert fetch_peers.main() == 0
    printed = capsys.readouterr().out
    assert "no apt-get" in printed
    assert "promtool: missing: its tests are skipped" in printed


def test_without_apt_ci_fails(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under CI=true a missing program is an error."""
    monkeypatch.setenv("CI", "true")
    assert fetch_peers.main() == 1


def test_an_apt_that_does_not_know_debian_is_not_used(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sources of others, even below a path named debian, are no mirror of Debian."""
    write_program(
        home / "apt", "apt-get", "#!/bin/sh\necho 'Other Other http://x.invalid/debian/'\n"
    )
    assert fetch_peers.main() == 0
    assert "no package lists of Debian" in capsys.readouterr().out


def test_the_next_suite_serves_what_the_first_cannot(
    debian: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite that does not verify is named and passed over; another package may hold a program."""
    monkeypatch.setenv("CI", "true")
    assert fetch_peers.main() == 0
    printed = capsys.readouterr().out
    assert "peers: sid: the keys of this machine do not verify its signature" in printed
    assert "peers: promtool: promtool, version 1.0" in printed
    assert find_peer("promtool") == debian / "peers" / "root" / "usr" / "bin" / "promtool"


def test_the_mirror_is_the_machines_own(debian: Path) -> None:
    """The archive labelled Debian is taken, not its security archive or a third party."""
    assert fetch_peers.find_mirror() == "http://mirror.invalid/debian/"


def test_what_is_there_and_runs_is_kept(debian: Path) -> None:
    """A second run needs no apt."""
    fetch_peers.main()
    (debian / "apt" / "apt-get").unlink()
    assert fetch_peers.main() == 0
    assert find_peer("prometheus").exists()


def test_a_package_is_downloaded_once(debian: Path) -> None:
    """One package gives two programs, and both the newest build and the stable Debian's."""
    assert fetch_peers.main() == 0
    downloaded = (debian / "downloaded").read_text().split()
    assert sorted(downloaded) == sorted(set(downloaded))
    assert {"prometheus", "prometheus-alertmanager"} < set(downloaded)


def test_the_stable_builds_have_a_place_of_their_own(debian: Path) -> None:
    """Both builds of a program are there; what PATH has is not taken for the stable one."""
    assert fetch_peers.main() == 0
    stable = find_peer("stable/prometheus")
    assert stable == debian / "peers" / "stable" / "usr" / "bin" / "prometheus"
    stable.unlink()
    write_program(debian / "apt", "prometheus", "#!/bin/sh\n")
    assert fetch_peers.locate("stable/prometheus") is None
    assert find_peer("prometheus").parent == debian / "peers" / "root" / "usr" / "bin"


def test_a_link_in_a_package_is_followed(debian: Path) -> None:
    """The program is taken itself, not the link that leads to it."""
    assert fetch_peers.main() == 0
    program = find_peer("docker-compose")
    assert program.read_text().endswith('echo "Docker Compose version 2.0"\n')
    assert not program.is_symlink()


@pytest.mark.parametrize(
    ("answer", "is_taken"),
    [("docker-compose version 1.29.2, build unknown", False), ("Docker Compose version 2.0", True)],
)
def test_another_program_of_the_same_name_is_not_taken(
    home: Path, answer: str, is_taken: bool
) -> None:
    """Version 1 of docker-compose was another program."""
    write_program(home / "apt", "docker-compose", f'#!/bin/sh\necho "{answer}"\n')
    assert (fetch_peers.locate("docker-compose") is not None) is is_taken


def test_a_program_that_does_not_run_is_not_taken(
    debian: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build that cannot start here counts as missing."""
    broken = DPKG_DEB.replace("echo", "exit 1; echo")
    write_program(debian / "apt", "dpkg-deb", broken)
    assert fetch_peers.main() == 0
    assert "trixie: prometheus: the program in the package prometheus does not run here" in (
        capsys.readouterr().out
    )
    assert fetch_peers.locate("prometheus") is None


def test_a_missing_peer_skips_on_a_laptop(home: Path) -> None:
    """Without the program the test that needs it is skipped, with what to do."""
    with pytest.raises(pytest.skip.Exception, match="make peers"):
        find_peer("prometheus")


def test_a_missing_peer_fails_in_ci(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under CI=true the test that needs it fails."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="make peers"):
        find_peer("prometheus")


def test_node_exporter_is_found_under_its_own_name(home: Path) -> None:
    """Outside Debian the program is called node_exporter."""
    write_program(home / "apt", "node_exporter", "#!/bin/sh\n")
    assert find_peer("node_exporter") == home / "apt" / "node_exporter"
