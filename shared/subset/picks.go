package subset

import (
	"io"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// apply selects from a pool, and returns what it selected with.
func apply(
	pool *selection.Pool, samples Samples, params selection.ResolvedRequest,
) (selection.Params, *selection.Result, error) {
	chosen, err := samples.Params(params)
	if err != nil {
		return selection.Params{}, nil, err
	}
	if len(params.Within) == 0 {
		result, err := selection.Select(pool, chosen)
		return chosen, result, err
	}
	results, err := selection.SelectNested(pool, chosen, append(slices.Clone(params.Within), params.Budget)...)
	if err != nil {
		return selection.Params{}, nil, err
	}
	chosen.Include = append(slices.Clone(chosen.Include), results[len(results)-2].Samples()...)
	return chosen, results[len(results)-1], nil
}

// pickRow is a pick of a run as picks.parquet has it.
func pickRow(
	plan *run.Plan, pool *selection.Pool, ids []string, result *selection.Result, order int, p selection.Pick,
) scores.Pick {
	row := poolPick(pool, ids, result, order, p)
	row.Range = plan.RangeOf(row.Index)
	row.Position = int(row.Index - plan.Ranges[row.Range].FirstIndex)
	return row
}

// poolPick is a pick as a file of picks has it, without its place in a run.
func poolPick(
	pool *selection.Pool, ids []string, result *selection.Result, order int, p selection.Pick,
) scores.Pick {
	row := scores.Pick{
		Order: order, ID: ids[p.Sample], Index: int64(p.Sample), Source: pool.SourceNames[pool.Source[p.Sample]],
		Round: int(p.Round), Rank: int(p.Rank), Rule: p.Rule.String(),
	}
	if p.Rule == selection.ByTurn {
		row.Capability, row.Bin = result.Capabilities[p.Capability].Capability, result.Bins[p.Bin]
		row.Style = strings.TrimSuffix(row.Bin, "+"+row.Source)
		rating := int8(pool.Ratings[slices.Index(pool.Capabilities, row.Capability)][p.Sample])
		row.Rating = &rating
	}
	return row
}

// WritePicks writes the picks of a pool that ReadPool read: as in picks.parquet, but for range and
// position, which are 0; index is the sample's place in the files read.
func WritePicks(w io.Writer, pool *selection.Pool, samples Samples, result *selection.Result) error {
	rows := make([]scores.Pick, len(result.Picks))
	for i, p := range result.Picks {
		rows[i] = poolPick(pool, samples.IDs, result, i, p)
	}
	return scores.WritePicks(w, rows)
}
