"""Reads a curated demo with several programs, and checks that all of them read the same values."""

import glob
import json
import sys

import duckdb
import pandas as pd

work, manifest = sys.argv[1:]
records = json.load(open(manifest))
subset = json.load(open(f"{work}/out/subset.json"))
rejected = [json.loads(line) for line in open(f"{work}/out/rejected.jsonl")]
# A program reads all files below the folder of scores. There must be only one, so that it reads each sample once.
scores = glob.glob(f"{work}/state/runs/*/scores/**/*.parquet", recursive=True)
assert len(scores) == 1, scores

frame = pd.read_parquet(scores[0])
assert list(frame["id"]) == [r["id"] for r in records]
ratings = [c for c in frame.columns if c.startswith("rating_")]
assert len(ratings) == 14 and frame.loc[frame["status"] == "ok", ratings].stack().between(0, 5).all()
assert all(len(styles) > 0 for styles in frame["styles"])

picks = pd.read_parquet(f"{work}/out/picks.parquet")
assert set(picks["id"]) == {r["id"] for r in subset} and len(picks) == len(subset)
assert {r["id"] for r in rejected} | set(picks["id"]) == {r["id"] for r in records}

unnested = f"select unnest(styles) style from '{scores[0]}'"
assert duckdb.sql(f"select count(distinct style) from ({unnested})").fetchall() == [(9,)]
ranges = f"select distinct range_index from '{scores[0]}'"
assert duckdb.sql(ranges).fetchall() == [(0,)]
# The query of infra/cost/README.md.
page = open("infra/cost/README.md").read()
query = page.split('duckdb -c "', 1)[1].split('"\n```', 1)[0].replace("'runs/", f"'{work}/state/runs/")
sources = duckdb.sql(query).fetchall()
assert sum(n for _, n, _ in sources) == (frame["status"] == "ok").sum() and all(0 <= r <= 5 for _, _, r in sources)
rated = f"select count(*) from '{work}/out/picks.parquet' where rating > 0"
assert duckdb.sql(rated).fetchall() == [(len(subset),)]
print(f"pandas and DuckDB read the same {len(frame)} scores and {len(picks)} picks")
