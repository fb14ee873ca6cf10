"""The peer for rows of data: bare Tornado that does by pandas what Gramex does, a DataFrame for each request.

Its arguments are a port, a SQLite file and a CSV file. The CSV file is read once, as Gramex does.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys

import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]
import tornado.web


class Database(tornado.web.RequestHandler):
    """Rows of a table."""

    def get(self) -> None:
        """Select them into a DataFrame, and send that."""
        query = "select * from sales where region = ? limit ?"
        values = [self.get_argument("region"), int(self.get_argument("_limit"))]
        frame = pd.read_sql_query(query, self.settings["database"], params=values)
        self.set_header("Content-Type", "application/json")
        self.write(frame.to_json(orient="records"))


class File(tornado.web.RequestHandler):
    """Rows of a file."""

    def get(self) -> None:
        """Filter the DataFrame, and send what is left."""
        frame = self.settings["frame"]
        found = frame[frame["region"].isin([self.get_argument("region")])].iloc[: int(self.get_argument("_limit"))]
        self.set_header("Content-Type", "application/json")
        self.write(found.to_json(orient="records"))


async def serve(port: int, database: str, file: str) -> None:
    """Listen until the process is ended."""
    application = tornado.web.Application(
        [("/db", Database), ("/csv", File)], database=sqlite3.connect(database), frame=pd.read_csv(file)
    )
    application.listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.getLogger("tornado.access").disabled = True
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
