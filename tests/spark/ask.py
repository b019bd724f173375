"""Queries put to Spark: `python -m tests.spark.ask FILE`, in Spark's environment.

FILE holds a JSON list of queries of one value each; their values come out as a JSON list on the last line.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from throughline.spark_process import open_session


def main() -> None:
    """Answer what the file named on the command line asks."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    settings = {"spark.master": "local[1]", "spark.sql.shuffle.partitions": "1"}
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(Path(folder), settings)
        answers = [session.sql(query).collect()[0][0] for query in asked]
        session.stop()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
