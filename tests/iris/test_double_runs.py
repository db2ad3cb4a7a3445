from __future__ import annotations

import pytest

from tests.iris.double.instance import Instance
from tests.iris.double.performance_runs import GLOBAL, SystemPerformance

MANAGER = "/usr/irissys/mgr/"


@pytest.fixture
def performance(instance: Instance) -> SystemPerformance:
    """The routine of an instance, with a profile of five minutes."""
    instance.performance.addprofile("ours", "our profile", 30, 10)
    return instance.performance


class TestProfiles:
    def test_a_fresh_instance_has_none_until_the_routine_is_used(self, instance: Instance) -> None:
        """Those that are shipped appear with the first use."""
        assert instance.globals.children(GLOBAL, "profile") == []
        assert instance.performance.run("nothing") == 0
        assert "test" in instance.globals.children(GLOBAL, "profile")

    def test_white_space_in_a_name_goes_silently(self, instance: Instance) -> None:
        """It says 1 and stores another name."""
        assert instance.performance.addprofile("bad name", "", 30, 10) == 1
        assert "badname" in instance.globals.children(GLOBAL, "profile")

    def test_a_name_is_taken_once(self, performance: SystemPerformance) -> None:
        """The second one gets the reason that was seen on a real server."""
        answer = performance.addprofile("ours", "", 30, 10)
        assert answer == "0^profile name exists already"

    @pytest.mark.parametrize(
        ("wanted", "stored"),
        [
            ((500, 10), (300, 10)),
            ((0, 10), (1, 10)),
            ((30, 10_000), (30, 2880)),
            ((1, 3600), (1, 3600)),
            ((1, 3601), (2, 3601)),
        ],
    )
    def test_limits_are_kept_silently(
        self, instance: Instance, wanted: tuple[int, int], stored: tuple[int, int]
    ) -> None:
        """Interval and duration are cut, and 1 is said."""
        assert instance.performance.addprofile("ours", "", *wanted) == 1
        assert instance.globals.get(GLOBAL, "profile", "ours")[1:] == stored

    def test_a_profile_is_changed_in_part_and_removed(
        self, instance: Instance, performance: SystemPerformance
    ) -> None:
        """What is left out stays; `test` belongs to IRIS."""
        assert performance.editprofile("ours", "", 0, 20) == 1
        assert instance.globals.get(GLOBAL, "profile", "ours") == ("our profile", 30, 20)
        assert str(performance.editprofile("none", "x")).startswith("0^")
        assert str(performance.editprofile("test", "x")).startswith("0^")
        assert str(performance.delprofile("test")).startswith("0^")
        assert performance.delprofile("ours") == 1
        assert str(performance.delprofile("ours")).startswith("0^")


class TestRuns:
    def test_a_run_ends_by_itself_and_leaves_a_report(
        self, instance: Instance, performance: SystemPerformance
    ) -> None:
        """Its node moves to the history, with the end and the directory; its logs go."""
        runid = performance.run("ours")
        assert runid == "20261121_080030_ours"
        assert instance.globals.children(GLOBAL, "run") == [runid]
        instance.advance(299)
        assert performance.waittime(str(runid)) == "1 seconds"
        assert performance.collect(str(runid)) == "0^not ready"
        instance.advance(1)
        report = f"{MANAGER}irishost_IRIS_{runid}.html"
        assert instance.files.paths == [report]
        assert instance.globals.children(GLOBAL, "run") == []
        assert instance.globals.get(GLOBAL, "history", runid) == f"67895,29130^{MANAGER}"
        content = instance.files.read(report) or b""
        assert b"Run over 10 intervals of 30 seconds." in content
        assert performance.waittime(str(runid)) == "ready now"

    def test_a_second_run_in_one_second_is_refused(self, performance: SystemPerformance) -> None:
        """It would have the same runid."""
        assert performance.run("ours")
        assert performance.literun("ours") == 0

    def test_the_waiting_time_leaves_out_what_is_zero(self, performance: SystemPerformance) -> None:
        """As a real server was seen to say it, and unknown runs in its words."""
        assert performance.waittime(str(performance.run("ours"))) == "5 minutes"
        assert performance.waittime(str(performance.run("4hours"))) == "4 hours"
        assert performance.waittime("x") == "-2^no such runid"

    def test_stop_deletes_the_logs_unless_told_otherwise(
        self, instance: Instance, performance: SystemPerformance
    ) -> None:
        """Without them there is neither report nor history."""
        assert performance.stop(str(performance.run("ours"))) == "5:0:5:0_2:0:2:0"
        assert instance.files.paths == []
        assert instance.globals.data(GLOBAL, "history") == 0
        lite = str(performance.literun("ours"))
        instance.advance(60)
        assert performance.stop(lite, keep_logs=True) == "0:0:0:0_2:0:0:0"
        assert instance.globals.children(GLOBAL, "history") == [lite]
        assert performance.stop(lite) == "0^no such runid"
        assert performance.collect(lite) == "0^no such runid"

    def test_a_preview_is_a_file_beside_the_report(
        self, instance: Instance, performance: SystemPerformance
    ) -> None:
        """The run goes on."""
        runid = str(performance.run("ours"))
        assert performance.preview(runid) == f"1^{MANAGER}irishost_IRIS_{runid}_P1.html"
        assert performance.preview("x") == "0^no such runid"
        assert performance.running
        assert f"{MANAGER}irishost_IRIS_{runid}_P1.html" in instance.files.paths

    def test_reports_go_where_the_routine_was_told(
        self, instance: Instance, performance: SystemPerformance
    ) -> None:
        """A relative directory is below the manager's."""
        performance.setlogdir("reports")
        runid = str(performance.run("ours"))
        instance.advance(300)
        assert instance.globals.get(GLOBAL, "history", runid).endswith(f"^{MANAGER}reports/")
        assert instance.files.listing(f"{MANAGER}reports", "*.html;*.gz")
        performance.clrlogdir()
        assert performance.getlogdir() == MANAGER
