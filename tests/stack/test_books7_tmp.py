import contextlib, re, sys, time
from pathlib import Path
from tests.stack import test_dashboards_live as live
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double
from tests.daemon import start_daemon
from tests.prometheus import start_prometheus, write_targets, wait_until
import yaml, os, tempfile
def test_books(tmp_path):
    with contextlib.ExitStack() as s:
        still = s.enter_context(live.still_hosts())
        flags = s.enter_context(live.watched_iris(tmp_path))
        daemon = s.enter_context(start_daemon(*flags, env={"PERFWATCH_IRIS_PASSWORD": Instance.password}))
        prom = s.enter_context(start_prometheus(tmp_path, daemon.url.removeprefix("http://")))
        # add the still page of IRIS: the configured targets file
        wait_until(lambda: prom.query("iris_up"), "up")
        time.sleep(12)
        name = prom.query("iris_up")[0]["metric"]["iris_instance"]
        out = []
        for page in sorted(Path("docs/runbooks").glob("*.md")):
            if not re.match(r"Iris|Governor", page.stem): continue
            for line in page.read_text().splitlines():
                if not line.startswith("    ") or line.strip().startswith(("#", "journalctl", "perfwatch iris", "tail ", "grep ")): continue
                q = line.strip().replace("PROD", name).replace('"APP"', '"USER"').replace('"HOST"','"FileOut"')
                try:
                    r = prom.query(q)
                except Exception as e:
                    out.append(f"ERROR {page.stem}: {q}: {e}"); continue
                if not r: out.append(f"empty {page.stem}: {q}")
        Path("/tmp/books7.out").write_text("\n".join(out))
