"""What becomes of the text of an instance's sensors; a small text of our own has all its traps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.families import Family
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.metrics.sensors import MAX_CHARACTERS, SensorOptions, Sensors, readings
from exporter.text_format import MAX_LINES
from tests.expositions import meaning
from tests.iris.double.sensors_text import sensors_text
from tests.iris.published import strict_values, text_values
from tests.samples import read_samples

ODD = """\
# HELP iris_csp_gateway_latency Time in milliseconds
# TYPE iris_csp_gateway_latency gauge
# UNIT iris_csp_gateway_latency milliseconds
iris_csp_gateway_latency{id="127.0.0.1:52773"} .302
# HELP iris_interop_messages_per_sec Messages a second
# TYPE iris_interop_messages_per_sec counter
iris_interop_messages_per_sec{id="R&D",host="100%"} .5
# HELP iris_sql_queries_per_second Statements a second
# TYPE iris_sql_queries_per_second counter
iris_sql_queries_per_second{id="USER"} 0.25
# HELP iris_ecps_lock_que Locks that wait
# TYPE iris_ecps_lock_que counter
iris_ecps_lock_que{id="APP"} 2
# HELP iris_res_seize Seizes
# TYPE iris_res_seize counter
iris_res_seize{id="Global"} 12
# HELP iris_system_info What runs here
# TYPE iris_system_info untyped
iris_system_info{id="IRIS",version="2026.1"} 1
# HELP iris_db_size_mb Size
# TYPE iris_db_size_mb gauge
iris_db_size_mb{id="USER",dir="/usr/irissys/mgr/user/"} 11
iris_db_size_mb{id="NODIR"} 12
iris_without_head 7
"""

PROCESSES = "".join(
    f'iris_process{{id="{pid}",routine="R{pid}"}} 1\n'
    f'iris_process_commands{{id="{pid}"}} {pid * 10}\n'
    f'iris_process_glo_refs{{id="{pid}"}} {pid}\n'
    for pid in (3, 1, 2)
)


def read(text: str, **options: Any) -> list[Family]:
    """Read a text as an instance's that is called `prod`."""
    return Sensors("prod", SensorOptions(**options)).read(text)


def own(sensors: Sensors) -> dict[str, float]:
    """What it says that it left out: lines by "", series by their reason."""
    return {
        values[1] if len(values) > 1 else "": float(number)
        for family in sensors.families()
        for values, number in family.samples
        if not isinstance(number, tuple)
    }


def test_names_and_numbers_stay_as_they_are() -> None:
    """The label of the instance comes first; everything else is as IRIS has it, in its order."""
    page = Renderer(TEXT).render(read(ODD)).decode()
    assert [line for line in page.splitlines() if not line.startswith("#")] == [
        'iris_csp_gateway_latency{iris_instance="prod",id="127.0.0.1:52773"} .302',
        'iris_interop_messages_per_sec{iris_instance="prod",host="100%",id="R&D"} .5',
        'iris_sql_queries_per_second{iris_instance="prod",id="USER"} 0.25',
        'iris_ecps_lock_que{iris_instance="prod",id="APP"} 2',
        'iris_res_seize{iris_instance="prod",id="Global"} 12',
        'iris_system_info{iris_instance="prod",id="IRIS",version="2026.1"} 1',
        'iris_db_size_mb{iris_instance="prod",dir="/usr/irissys/mgr/user/",id="USER"} 11',
        'iris_db_size_mb{iris_instance="prod",id="NODIR"} 12',
        'iris_without_head{iris_instance="prod"} 7',
    ]


def test_wrong_types_are_mended() -> None:
    """What goes up and down is a gauge, whatever its TYPE says; what only grows stays a counter."""
    assert {family.name: family.type for family in read(ODD)} == {
        "iris_csp_gateway_latency": "gauge",
        "iris_interop_messages_per_sec": "gauge",
        "iris_sql_queries_per_second": "gauge",
        "iris_ecps_lock_que": "gauge",
        "iris_res_seize": "counter",
        "iris_system_info": "untyped",
        "iris_db_size_mb": "gauge",
        "iris_without_head": "untyped",
    }


@pytest.mark.parametrize("value", ["-1", "NaN"])
def test_what_is_no_count_is_no_counter(value: str) -> None:
    """OpenMetrics refuses a page with such a counter, whoever published it."""
    text = f'# TYPE a_total counter\na_total{{id="1"}} 1\na_total{{id="2"}} {value}\n'
    families = Sensors("prod").read(text)
    assert [one.type for one in families] == ["gauge"]
    assert len(strict_values(families)) == 2


def test_a_counter_without_total_is_unknown_in_openmetrics() -> None:
    """There it could not be a counter under its name, and keeps the name; the numbers are equal."""
    families = read(ODD)
    strict = meaning(Renderer(OPENMETRICS).render(families) + b"# EOF\n", openmetrics=True)
    assert strict["iris_res_seize"][0] == "unknown"
    assert strict_values(families) == text_values(Renderer(TEXT).render(families))


def test_a_bad_line_costs_itself_alone() -> None:
    """Each is counted, and the first one is told; the others are shown."""
    sensors = Sensors("prod")
    families = sensors.read(
        'iris_a 1\niris_b{id="x" 2\niris_c nothing\niris_d 4 1700000000000\n\n  \n'
        'iris_a 5\n# TYPE iris_e strange\niris_e 6\n{} 7\niris_f{id="y"} 8\n'
    )
    assert read_samples(families) == {
        'iris_a{iris_instance="prod"}': 1,
        'iris_e{iris_instance="prod"}': 6,
        'iris_f{id="y",iris_instance="prod"}': 8,
    }
    assert own(sensors)[""] == 6
    assert sensors.problem == "line 2: neither a sample nor a comment: 'iris_b{id=\"x\" 2'"
    sensors.read("iris_a 1\n")
    assert sensors.problem == ""
    assert own(sensors)[""] == 6


@pytest.mark.parametrize(
    "text", ["iris_a 1\niris_b 2", "iris_a 1\r\niris_b 2\r\n", "iris_a 1\r\niris_b 2"]
)
def test_line_breaks_may_be_others(text: str) -> None:
    """The last one may be missing, and each may be of Windows."""
    sensors = Sensors("prod")
    assert [family.name for family in sensors.read(text)] == ["iris_a", "iris_b"]
    assert own(sensors)[""] == 0


def test_an_empty_text_has_no_families() -> None:
    """It is no error either."""
    assert Sensors("prod").read("") == []


@given(
    st.lists(
        st.one_of(
            st.from_regex(r'iris_[a-d](\{id="[xy]"\})? [0-9]{1,3}', fullmatch=True),
            st.from_regex(r"# (HELP|TYPE|UNIT) iris_[a-d] (gauge|counter|x)", fullmatch=True),
            st.text(
                st.characters(codec="utf-8", exclude_characters="\n\r", exclude_categories=["Cs"]),
                max_size=30,
            ),
        )
    )
)
def test_every_line_is_accounted_for(lines: list[str]) -> None:
    """Whatever the lines are, each sample is shown, or counted as not understood."""
    sensors = Sensors("prod", SensorOptions(processes=True))
    families = sensors.read("\n".join(lines))
    shown = sum(len(family.samples) for family in families)
    samples = [
        line for line in lines if line.strip(" \t") and not line.lstrip(" \t").startswith("#")
    ]
    comments = [line for line in lines if line.lstrip(" \t").startswith("#")]
    lost = own(sensors)[""]
    assert len(samples) <= shown + lost <= len(samples) + len(comments)


@pytest.mark.parametrize("text", ["x" * (MAX_CHARACTERS + 1), "\n" * (MAX_LINES + 1)])
def test_too_large_a_text_is_refused(text: str) -> None:
    """The error says how to make it smaller; the connection stays."""
    with pytest.raises(IrisError, match=r"sensors are too many: .*ExcludeMetrics") as caught:
        Sensors("prod").read(text)
    assert caught.value.kind is ErrorKind.SERVER
    assert not caught.value.connection_lost


def test_single_processes_are_left_out() -> None:
    """Their series come and go; how many there are stays."""
    sensors = Sensors("prod")
    families = sensors.read(f"iris_process_count 3\n{PROCESSES}iris_processors 4\n")
    assert [family.name for family in families] == ["iris_process_count", "iris_processors"]
    assert own(sensors) == {"": 0, "limit": 0, "processes": 0, "reserved": 0}


def test_of_the_processes_the_busiest_are_shown() -> None:
    """Those that executed most commands, each with all it has; the others are counted."""
    sensors = Sensors("prod", SensorOptions(processes=True, max_processes=2))
    families = sensors.read(f"iris_process_count 3\n{PROCESSES}")
    assert read_samples(families) == {
        'iris_process_count{iris_instance="prod"}': 3,
        'iris_process{id="2",iris_instance="prod",routine="R2"}': 1,
        'iris_process{id="3",iris_instance="prod",routine="R3"}': 1,
        'iris_process_commands{id="2",iris_instance="prod"}': 20,
        'iris_process_commands{id="3",iris_instance="prod"}': 30,
        'iris_process_glo_refs{id="2",iris_instance="prod"}': 2,
        'iris_process_glo_refs{id="3",iris_instance="prod"}': 3,
    }
    assert own(sensors)["processes"] == 3


def test_processes_without_commands_come_last() -> None:
    """They are shown where there is room."""
    text = 'iris_process{id="8"} 1\niris_process{id="9"} 1\niris_process_commands{id="9"} 0\n'
    one, two = (read(text, processes=True, max_processes=count) for count in (1, 2))
    assert [values for values, _ in one[0].samples] == [("prod", "9")]
    assert len(two[0].samples) == 2


def test_an_instance_has_a_limit_of_series() -> None:
    """What comes behind it is left out, and counted."""
    sensors = Sensors("prod", SensorOptions(max_series=3))
    families = sensors.read(
        'iris_a{id="1"} 1\niris_a{id="2"} 1\niris_b{id="1"} 1\niris_b{id="2"} 1\niris_c 1\n'
    )
    assert [(family.name, len(family.samples)) for family in families] == [
        ("iris_a", 2),
        ("iris_b", 1),
    ]
    assert own(sensors)["limit"] == 2


def test_names_of_the_daemon_are_not_the_instance_s() -> None:
    """A sensor of one's own may be called anything, but not as what the host's page has."""
    sensors = Sensors("prod")
    families = sensors.read("node_load1 1\nperfwatch_x 1\nprocess_x 1\nmine_total 2\n")
    assert [family.name for family in families] == ["mine_total"]
    assert own(sensors)["reserved"] == 3


def test_a_sensor_s_own_label_iris_instance_is_renamed() -> None:
    """As Prometheus does it: `exported_` is put before it, until it is free."""
    text = 'a{iris_instance="x"} 1\nb{exported_iris_instance="y",iris_instance="x"} 1\n'
    assert [(family.labels, family.samples[0][0]) for family in read(text)] == [
        (("iris_instance", "exported_iris_instance"), ("prod", "x")),
        (
            ("iris_instance", "exported_iris_instance", "exported_exported_iris_instance"),
            ("prod", "y", "x"),
        ),
    ]


def test_readings_are_cpu_and_memory() -> None:
    """In per cent, as the instance sees its host."""
    text = sensors_text(cpu=0.5, memory=95.25, licences=1, processes=1)
    assert readings(read(text)) == (0.5, 95.25)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("iris_cpu_usage 91\n", (91.0, None)),
        ("iris_cpu_usage NaN\niris_phys_mem_percent_used 7\n", (None, 7.0)),
        ("iris_cpu_usage x\n", (None, None)),
        ("iris_cpu_usage 101.5\niris_phys_mem_percent_used -1\n", (None, None)),
        (
            "# TYPE iris_cpu_usage summary\niris_cpu_usage_sum 1\niris_cpu_usage_count 1\n",
            (None, None),
        ),
    ],
)
def test_what_is_not_read_is_unknown(
    text: str, expected: tuple[float | None, float | None]
) -> None:
    """Not 0: nothing is decided by it."""
    assert readings(read(text)) == expected


def test_the_double_s_text_is_understood_whole() -> None:
    """Each of its samples is on the page, with its value."""
    text = sensors_text(cpu=12.5, memory=40, licences=22, processes=3)
    sensors = Sensors("prod", SensorOptions(processes=True))
    page = Renderer(TEXT).render(sensors.read(text))
    expected = {
        (name, frozenset(pair for pair in labels | {("iris_instance", "prod")} if pair[1])): value
        for (name, labels), value in text_values(text.encode()).items()
    }
    assert text_values(page) == expected
    assert own(sensors)[""] == 0
