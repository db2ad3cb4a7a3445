from __future__ import annotations

from datetime import datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.iris.access.calls import Get, Out
from exporter.iris.access.session import Session
from tests.iris.double.clock import Clock
from tests.iris.double.hooks import ServerError, User
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double

USER = User("perfwatch", "%SYS")
LOGIN = ("perfwatch", "correct horse", "", "%SYS")


class TestLogin:
    def test_password_and_token_open_the_same_account(self) -> None:
        """Who shows either is in, and one licence unit is used for both."""
        instance = Instance()
        before = instance.licence.used
        assert instance.check_login(*LOGIN) is None
        assert instance.check_login("", "", instance.access_token, "%SYS") is None
        assert instance.licence.used == before + 1
        token_user = User("", "%SYS", instance.access_token)
        assert instance.global_get(token_user, "IRIS.SystemPerformance", ["logdir"]) is None

    def test_five_wrong_passwords_lock_the_account(self) -> None:
        """After them even the right one is refused, in the same words."""
        instance = Instance()
        for _ in range(5):
            assert instance.check_login("perfwatch", "guess", "", "%SYS") == "Access Denied"
        assert instance.check_login(*LOGIN) == "Access Denied"

    def test_a_right_password_forgives_the_wrong_ones(self) -> None:
        """Only wrong passwords in a row count."""
        instance = Instance()
        for _ in range(3):
            for _ in range(4):
                instance.check_login("perfwatch", "guess", "", "%SYS")
            assert instance.check_login(*LOGIN) is None

    @pytest.mark.parametrize(
        ("username", "token", "namespace"),
        [("nobody", "", "%SYS"), ("", "forged", "%SYS"), ("perfwatch", "", "ELSEWHERE")],
    )
    def test_strangers_are_refused(self, username: str, token: str, namespace: str) -> None:
        """An unknown user, a wrong token and a missing namespace are all denied."""
        assert Instance().check_login(username, "correct horse", token, namespace) is not None

    def test_without_the_database_there_is_no_way_into_its_namespace(self) -> None:
        """%SYS needs %DB_IRISSYS:R, USER does not."""
        instance = Instance()
        instance.revoke("%DB_IRISSYS:R")
        assert instance.check_login(*LOGIN) == "Access Denied"
        assert instance.check_login(*LOGIN[:3], "USER") is None

    def test_a_full_licence_refuses_until_a_unit_is_free(self) -> None:
        """Who has a unit already is still let in."""
        instance = Instance()
        instance.licence.used_by_others = instance.licence.limit
        assert "icense" in str(instance.check_login(*LOGIN))
        instance.licence.used_by_others -= 1
        assert instance.check_login(*LOGIN) is None
        assert instance.check_login(*LOGIN) is None
        assert instance.class_method(USER, "%SYSTEM.License", "LUAvailable", []) == 0


class TestRights:
    @pytest.mark.parametrize(
        "privilege", ["%Native_ClassExecution:U", "%Admin_Operate:U", "%Native_GlobalAccess:U"]
    )
    def test_each_right_that_is_taken_away_is_missed(self, privilege: str) -> None:
        """Without it there is <PROTECT>, with it there is none."""
        instance = Instance()

        def use() -> None:
            instance.class_method(USER, "%SYS.DatabaseQuery", "GetFreeSpace", ["/data/r&d/", ""])
            instance.global_data(USER, "IRIS.SystemPerformance", ["run"])

        use()
        instance.revoke(privilege)
        with pytest.raises(ServerError, match="<PROTECT>"):
            use()
        instance.grant(privilege)
        use()

    def test_reading_does_not_allow_writing(self) -> None:
        """A node can be read with R, and set and killed with W only."""
        instance = Instance()
        where = ("IRIS.SystemPerformance", ["logdir"])
        instance.global_set(USER, *where, "/data/")
        instance.revoke("%DB_IRISSYS:W")
        assert instance.global_get(USER, *where) == "/data/"
        with pytest.raises(ServerError, match="<PROTECT>"):
            instance.global_kill(USER, *where)
        instance.grant("%DB_IRISSYS:W")
        instance.global_kill(USER, *where)
        assert instance.global_data(USER, *where) == 0

    def test_the_instance_says_which_rights_a_user_has(self) -> None:
        """%SYSTEM.Security.Check answers for one permission and for several."""
        instance = Instance()
        check = ("%SYSTEM.Security", "Check")
        assert instance.class_method(USER, *check, ["%DB_IRISSYS", "READ,WRITE"]) == 1
        assert instance.class_method(USER, *check, ["%Development", "USE"]) == 0

    @pytest.mark.parametrize(
        ("call", "text"),
        [
            (("SYS.Nothing", "Sample"), "<CLASS DOES NOT EXIST> *SYS.Nothing"),
            (("SYS.Stats.Global", "Simple"), "<METHOD DOES NOT EXIST> *Simple,SYS.Stats.Global"),
            (("SYS.Stats.Buffer", "Sample"), "<PARAMETER>"),
        ],
    )
    def test_what_does_not_exist_says_so(self, call: tuple[str, str], text: str) -> None:
        """The texts are those that real servers were seen to send."""
        with pytest.raises(ServerError) as caught:
            Instance().class_method(USER, *call, [])
        assert str(caught.value) == text


class TestSensors:
    def test_the_page_shows_what_the_test_sets(self) -> None:
        """CPU and memory come through the text, and each process has its series."""
        instance = Instance()
        instance.cpu, instance.memory, instance.processes = 0.25, 97.5, 2
        families = {
            family.name: family.samples
            for family in text_string_to_metric_families(instance.sensors())
        }
        assert families["iris_cpu_usage"][0].value == 0.25
        assert families["iris_phys_mem_percent_used"][0].value == 97.5
        assert len(families["iris_process"]) == 2
        assert "iris_cpu_usage .25\n" in instance.sensors()

    def test_a_run_costs_what_the_test_says(self) -> None:
        """While it collects the CPU has more to do, at most all."""
        instance = Instance()
        instance.cpu, instance.cpu_per_run = 60, 30
        instance.performance.run("test")
        assert "iris_cpu_usage 90\n" in instance.sensors()
        instance.performance.run("30mins")
        assert "iris_cpu_usage 100\n" in instance.sensors()
        instance.advance(1800)
        assert "iris_cpu_usage 60\n" in instance.sensors()


class TestLife:
    def test_counters_grow_with_the_clock_and_begin_anew_at_a_restart(self) -> None:
        """They count since the start of the instance."""
        instance = Instance()

        def count() -> int:
            sample = instance.class_method(USER, "SYS.Stats.Global", "Sample", [])
            found: int = instance.property_get(USER, sample.object, "RefLocal")
            return found

        first = count()
        instance.advance(60)
        assert count() > first
        instance.restart()
        assert count() == first

    def test_a_restart_drops_connections_and_leaves_runs_to_be_collected(self) -> None:
        """Globals and files stay; the run is listed, though nothing collects any more."""
        instance = Instance()
        dropped: list[bool] = []
        runid = str(instance.performance.run("test"))
        instance.restart(lambda: dropped.append(True))
        instance.advance(600)
        assert dropped
        assert instance.globals.children("IRIS.SystemPerformance", "run") == [runid]
        assert not instance.globals.children("IRIS.SystemPerformance", "history")
        assert instance.performance.waittime(runid) == "ready now"
        assert instance.performance.collect(runid).startswith("1^")
        assert instance.globals.children("IRIS.SystemPerformance", "history") == [runid]

    def test_the_clock_is_the_servers_local_one(self) -> None:
        """$HOROLOG is local, and the offset from UTC is known."""
        instance = Instance(Clock(datetime(1840, 12, 31, 1, 0, 1), utc_offset_minutes=60))  # noqa: DTZ001
        assert instance.class_method(USER, "%SYSTEM.SYS", "Horolog", []) == "0,3601"
        assert instance.class_method(USER, "%SYSTEM.SYS", "TimeZone", []) == -60
        utc = instance.class_method(USER, "%Library.UTC", "NowUTC", [])
        assert utc == "1840-12-31 00:00:01.000"


class TestStatistics:
    @pytest.mark.parametrize(
        ("class_name", "arguments", "expected"),
        [
            ("SYS.Stats.Global", [], {"RefLocal": 5000, "WDQueueSize": 7}),
            ("SYS.Stats.Routine", [], {"RtnCommands": 90_000}),
            ("SYS.Stats.Dashboard", [], {"LicenseCurrent": 3, "SystemUpTime": "0d  0h 00m"}),
            ("SYS.Stats.WriteDaemon", [1], {"Index": 1, "TotBlk": 90}),
            ("SYS.Stats.WriteDaemon", [2], {"Index": 0}),
            ("SYS.Stats.Buffer", [8192], {"NumSize": 25_600, "Avail": 900}),
            ("SYS.Stats.Resource", [2], {"Name": "Global", "Seize": 600}),
            ("SYS.Stats.Resource", [5], {"Name": ""}),
            ("SYS.Stats.ECPAppSvr", [], {"ByteRcvd": 900}),
            ("SYS.Stats.ECPDataSvr", [], {"ReqRcvd": 30}),
        ],
    )
    def test_samples_have_the_members_of_the_class_reference(
        self, class_name: str, arguments: list[int], expected: dict[str, object]
    ) -> None:
        """A sample cannot be changed; past the last one its number or name is empty."""
        instance = Instance()
        sample = instance.class_method(USER, class_name, "Sample", arguments).object
        assert {name: instance.property_get(USER, sample, name) for name in expected} == expected
        with pytest.raises(ServerError, match="<CANNOT SET"):
            instance.property_set(USER, sample, next(iter(expected)), 1)

    @pytest.mark.parametrize(
        ("class_name", "method", "expected"),
        [
            ("%SYS.Journal.System", "GetState", 0),
            ("%SYS.Journal.System", "GetFreeSpace", 20_000 << 20),
            ("%SYS.Journal.System", "GetCurrentFileOffset", 0),
            (
                "%SYS.Journal.System",
                "GetCurrentFileName",
                "/usr/irissys/mgr/journal/20261121.001",
            ),
            ("%SYSTEM.Mirror", "GetStatus", "NOTINIT"),
            ("%SYSTEM.Mirror", "IsMember", 0),
            ("%SYSTEM.Monitor", "State", 0),
            ("%SYSTEM.License", "KeyExpirationDate", 67_985),
            ("SYS.Lock", "GetLockSpaceInfo", "5242880,5240000,2880"),
            ("%SYS.System", "GetNodeName", "irishost"),
            ("%SYS.System", "GetUniqueInstanceName", "irishost:IRIS"),
            ("%SYSTEM.Version", "GetNumber", "2026.1"),
        ],
    )
    def test_states(self, class_name: str, method: str, expected: object) -> None:
        """An instance to which nothing has happened is well."""
        assert Instance().class_method(USER, class_name, method, []) == expected

    def test_databases(self) -> None:
        """Each tells its size and free space; one that is not there is an error."""
        instance = Instance()
        query = ("%SYS.DatabaseQuery", "GetFreeSpace")
        assert instance.class_method(USER, *query, ["/data/r&d/", "", ""]) == (1, [900, 115_200])
        status, _ = instance.class_method(USER, *query, ["/nowhere/", "", ""])
        assert str(status).startswith("0 ")
        database = instance.class_method(USER, "SYS.Database", "%OpenId", ["/data/r&d/"]).object
        assert instance.property_get(USER, database, "Mounted") == 1
        assert instance.class_method(USER, "SYS.Database", "%OpenId", ["/nowhere/"]) is None

    def test_startup_parameters(self) -> None:
        """They are changed when the section is saved, by who may."""
        instance = Instance()
        section = instance.class_method(USER, "Config.Startup", "Open", []).object
        instance.property_set(USER, section, "SystemPerformanceDailyReportsOn", 1)
        instance.revoke("%Admin_Manage:U")
        assert instance.object_method(USER, section, "%Save", []) != 1
        assert instance.startup.parameters["SystemPerformanceDailyReportsOn"] == 0
        instance.grant("%Admin_Manage:U")
        assert instance.object_method(USER, section, "%Save", []) == 1
        assert instance.startup.parameters["SystemPerformanceDailyReportsOn"] == 1


class TestGlobals:
    def test_subscripts_are_ordered_as_iris_orders_them(self) -> None:
        """Numbers come first, by their size; then texts."""
        nodes = Instance().globals
        for subscript in ("b", "10", "9", "-1", "1.5", "01", "a"):
            nodes.set("X", subscript, value=1)
        assert nodes.children("X") == ["-1", "1.5", "9", "10", "01", "a", "b"]
        assert [nodes.order("X", [at], 1) for at in ("", "9", "b")] == ["-1", "10", None]
        assert [nodes.order("X", [at], -1) for at in (None, "9", "-1")] == ["b", "1.5", None]
        assert nodes.order("X", ["5"], 1) == "9"


class TestThroughTheDriver:
    def test_the_real_driver_takes_what_the_instance_gives(
        self, instance: Instance, double: Double, session: Session
    ) -> None:
        """Samples, values by reference, lists and subscripts arrive as they are here."""
        instance.performance.addprofile("perfwatch", "a text", 30, 120)
        sample = session.with_object("SYS.Stats.Dashboard", "Sample", (), [Get("Processes")])
        assert sample == [37]
        free = session.call_with_outputs(
            "%SYS.DatabaseQuery", "GetDatabaseFreeSpace", "/data/r&d/", Out()
        )
        assert free == (1, [900])
        profile = session.get_list("IRIS.SystemPerformance", "profile", "perfwatch")
        assert profile == ("a text", 30, 120)
        names = session.subscripts("IRIS.SystemPerformance", "profile")
        assert names == instance.globals.children("IRIS.SystemPerformance", "profile")
        instance.restart(double.drop_connections)
        double.wait_for(lambda: not double.open_connections)
