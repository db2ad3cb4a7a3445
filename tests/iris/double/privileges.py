"""Who may do what: accounts, resources, and SQL privileges, which tests take away."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.iris.double.hooks import ServerError, SqlError

MONITOR_RESOURCES = frozenset(
    {
        "%DB_IRISSYS:R",
        "%DB_IRISSYS:W",
        "%Native_ClassExecution:U",
        "%Native_GlobalAccess:U",
        "%Service_SQL:U",
        "%Admin_Manage:U",
        "%Admin_Operate:U",
        "%Admin_Task:U",
    }
)
"""What the account that tests use by default has: nothing that installs code."""

INSTALLER_RESOURCES = frozenset({"%Development:U"})

MONITOR_SQL = frozenset({"SELECT %SYS.TASK", "SELECT %SYS_TASK.HISTORY"})
INSTALLER_SQL = frozenset({"%CREATE_FUNCTION", "%DROP_FUNCTION"})

NOT_PRIVILEGED = -99


@dataclass
class Account:
    """A user of the instance."""

    password: str
    resources: set[str] = field(default_factory=set)
    """`%Admin_Task:U`: a resource and one letter."""
    sql: set[str] = field(default_factory=set)
    """`%CREATE_FUNCTION`, or an operation and its object: `SELECT %SYS.TASK`."""
    is_enabled: bool = True
    failures: int = 0


class Accounts:
    """The users by name."""

    locked_after = 5
    """So many wrong passwords in a row disable an account."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def __getitem__(self, username: str) -> Account:
        return self._accounts[username]

    def __contains__(self, username: str) -> bool:
        return username in self._accounts

    def add(self, username: str, password: str) -> Account:
        """Make an account that may do nothing yet."""
        return self._accounts.setdefault(username, Account(password))

    def refusal(self, username: str, password: str) -> str | None:
        """Judge a password; a wrong one, a missing account and a locked one look alike."""
        account = self._accounts.get(username)
        if account is None or not account.is_enabled:
            return "Access Denied"
        if account.password != password:
            account.failures += 1
            account.is_enabled = account.failures < self.locked_after
            return "Access Denied"
        account.failures = 0
        return None

    def may(self, username: str, resource: str) -> bool:
        """Whether a user holds a resource."""
        return resource in self._accounts[username].resources

    def need(self, username: str, resource: str, subject: str) -> None:
        """Raise <PROTECT> for who does not hold a resource."""
        if not self.may(username, resource):
            message = f"<PROTECT> *{subject}"
            raise ServerError(message)

    def need_sql(self, username: str, privilege: str) -> None:
        """Raise SQLCODE -99 for who does not hold an SQL privilege."""
        if privilege.upper() not in self._accounts[username].sql:
            raise not_privileged(username)


def not_privileged(username: str) -> SqlError:
    """What SQL says to who may not."""
    return SqlError(
        NOT_PRIVILEGED,
        "[SQLCODE: <-99>:<Privilege violation>]\n[Location: <Prepare>]\n"
        f"[%msg: <User {username} is not privileged for the operation>]",
    )
