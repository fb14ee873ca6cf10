"""Declares the keys and the arguments of FormHandler, for the guide's reference; a test compares them with the code."""

from __future__ import annotations

from gramex.config.keys import Key

KEYS = (
    Key("url", "required", "file, `dir:///FOLDER`, URL of a file, or of a database such as `sqlite:///$YAMLPATH/x.db`"),
    Key("NAME", "none", "in place of `url`: several datasets by name, each a mapping with these keys"),
    Key("ext", "by the name", "kind of file: csv, tsv, xlsx, json"),
    Key("table", "required for a database", "table, of a workbook too; or one of the next three"),
    Key("query", "none", "SELECT whose rows these are; `:name` is an argument of the URL, bound"),
    Key("queryfile", "none", "file with that"),
    Key("queryfunction", "none", "expression that returns it, with `args`, `key` and `handler`"),
    Key("id", "none", "column, or list of columns, that identifies a row; without it nothing can be changed"),
    Key("default", "none", "arguments that hold unless the URL has them, such as `{_limit: 100}`"),
    Key("prepare", "none", "expression that changes the arguments: it sees `args`, `key` and `handler`"),
    Key("function", "none", "expression that changes the whole source, `data`, a DataFrame; needs pandas"),
    Key(
        "modify",
        "none",
        "expression that changes the rows, a DataFrame; needs pandas. Of POST, PUT and DELETE: `data` is their number",
    ),
    Key("columns", "none", "columns by name, for a table that is to be made: type, or a mapping"),
    Key("columns.NAME.type", "required", "type in SQL, such as TEXT"),
    Key("columns.NAME.default", "none", "value where none is given"),
    Key("columns.NAME.nullable", "true", "false: a value is needed"),
    Key("columns.NAME.primary_key", "false", "true: identifies the row"),
    Key("columns.NAME.autoincrement", "false", "true: the database counts"),
    Key("columns.NAME.unique", "false", "true: no value twice"),
    Key(
        "argstype", "text", "type by argument of a `query`, such as `{id: {type: int}}`; `expanding: true` for `IN :id`"
    ),
    Key("state", "none", "table, list of tables or expression: as long as its state is the same, the rows are"),
    Key("formats", "json, csv, html, xlsx", "formats by name: `format`, `headers` and what that one knows"),
    Key("sep", ",", "CSV: the character between cells"),
    Key("encoding", "utf-8", "CSV, JSON: encoding of the file"),
    Key("skiprows", "0", "CSV, workbook: lines to leave out, their number or a list"),
    Key("header", "0", "CSV: row with the names of columns; false: none"),
    Key("names", "the header's", "CSV: names of columns"),
    Key("usecols", "all", "CSV: columns to read"),
    Key("nrows", "all", "CSV: rows to read"),
    Key("dtype", "by the values", "CSV: type by column, such as `{code: str}`"),
    Key("parse_dates", "none", "CSV: columns that hold dates"),
    Key("na_values", "none", "CSV: further words for no value"),
    Key("sheet_name", "the first", "workbook: the sheet"),
    Key("range", "all", "workbook: cells, such as `A1:C10`"),
    Key("name", "none", "workbook: name of a range"),
    Key("connect_args", "none", "database: what its driver wants to know"),
    Key("pool_size", "by SQLAlchemy", "databases other than SQLite: connections that are kept"),
    Key("max_overflow", "by SQLAlchemy", "the same: connections beyond these"),
    Key("pool_recycle", "by SQLAlchemy", "the same: seconds after which one is made anew"),
    Key("pool_timeout", "by SQLAlchemy", "the same: seconds to wait for one"),
    Key("pool_pre_ping", "by SQLAlchemy", "the same: true: ask whether it lives before it is used"),
    Key("echo", "false", "the same: true: log its SQL"),
)

ARGUMENTS = (
    Key("COLUMN", "", "rows with this value; several: any of them; nothing: rows that have a value"),
    Key("COLUMN!", "", "rows with other values; nothing: rows without one"),
    Key("COLUMN>, COLUMN>~", "", "greater; greater or equal"),
    Key("COLUMN<, COLUMN<~", "", "less; less or equal"),
    Key("COLUMN~, COLUMN!~", "", "text that holds it, or does not; of a file a regular expression"),
    Key("COLUMN*, COLUMN!*", "", "the same, whatever the case"),
    Key("_sort", "", "column; `-` before it: from the last"),
    Key("_limit, _offset", "", "rows at most, 10000 unless said; rows to leave out first"),
    Key("_c", "", "columns; `-` before one: all but it. With `_by`: `COLUMN|sum` and the like"),
    Key("_by", "", "one row for each value of these columns"),
    Key("_format", "", "json, csv, html, xlsx, or one of `formats`"),
    Key("_download", "", "name of the file that a browser stores"),
    Key("_meta", "", "anything: headers tell what was made of the arguments"),
)
