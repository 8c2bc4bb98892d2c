"""How a table and its columns are written down in each dialect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.ledger.database import Dialect

# How a kind of column is stored. SQLite keeps decimals and times as TEXT: REAL would round them.
_TYPES = {
    Dialect.SQLITE: {
        "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "small": "INTEGER",
        "int": "INTEGER",
        "decimal": "TEXT",
        "time": "TEXT",
        "text": "TEXT",
        "long": "TEXT",
        "written": "TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))",
    },
    Dialect.MYSQL: {
        "id": "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
        "small": "TINYINT",
        "int": "BIGINT",
        "decimal": "DECIMAL(38,18)",
        "time": "DATETIME(6)",
        "text": "VARCHAR({size})",
        "long": "LONGTEXT",  # not JSON: that type may rewrite the digits of numbers
        "written": "TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP",
    },
}
DECIMAL_PLACES = 18  # of DECIMAL(38,18)
DECIMAL_DIGITS = 38


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    kind: str  # key of _TYPES
    size: int = 0  # characters of "text"
    required: bool = False
    default: int | None = None

    def render(self, dialect: Dialect) -> str:
        """Return the column's definition."""
        text = f"{self.name} {_TYPES[dialect][self.kind].format(size=self.size)}"
        if self.required:
            text += " NOT NULL"
        if self.default is not None:
            text += f" DEFAULT {self.default}"
        return text


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `unique` and `indexes` map an index's name to its columns."""

    name: str
    columns: Sequence[Column]
    primary: str = ""  # columns
    unique: Sequence[tuple[str, str]] = ()
    indexes: Sequence[tuple[str, str]] = ()

    def render(self, dialect: Dialect) -> list[str]:
        """Return the statements that create the table where it is missing."""
        parts = [column.render(dialect) for column in self.columns]
        if self.primary:
            parts.append(f"PRIMARY KEY ({self.primary})")
        if dialect is Dialect.SQLITE:
            body = ", ".join(parts)
            return [
                f"CREATE TABLE IF NOT EXISTS {self.name} ({body})",
                *(self._index("UNIQUE INDEX", *index) for index in self.unique),
                *(self._index("INDEX", *index) for index in self.indexes),
            ]
        parts += [f"UNIQUE KEY {name} ({columns})" for name, columns in self.unique]
        parts += [f"KEY {name} ({columns})" for name, columns in self.indexes]
        # A binary collation: names differ by case, as they do everywhere in the program.
        options = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
        return [f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join(parts)}) {options}"]

    def _index(self, what: str, name: str, columns: str) -> str:
        return f"CREATE {what} IF NOT EXISTS {self.name}_{name} ON {self.name} ({columns})"
