package subset

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// apply selects from the pool, and returns what it selected with. A *run.RefusedError is a fault of the request.
func (p *Pool) apply(
	ctx context.Context, params selection.ResolvedRequest,
) (selection.Params, *selection.Result, error) {
	chosen, err := p.Params(ctx, params)
	if _, named := errors.AsType[*nameError](err); err != nil && !named {
		return selection.Params{}, nil, err
	}
	var result *selection.Result
	if err == nil {
		chosen, result, err = p.selectBy(chosen, params)
	}
	if err != nil {
		return selection.Params{}, nil, &run.RefusedError{Reason: spelling.Names(err).Error()}
	}
	return chosen, result, nil
}

// selectBy selects from the pool within the smaller budgets of a request, if it has any.
func (p *Pool) selectBy(
	chosen selection.Params, params selection.ResolvedRequest,
) (selection.Params, *selection.Result, error) {
	if len(params.Within) == 0 {
		result, err := p.Select(chosen)
		return chosen, result, err
	}
	results, err := p.SelectNested(chosen, append(slices.Clone(params.Within), params.Budget)...)
	if err != nil {
		return selection.Params{}, nil, err
	}
	chosen.Include = append(slices.Clone(chosen.Include), results[len(results)-2].Samples()...)
	return chosen, results[len(results)-1], nil
}

// pickRows are the picks of a result as a file of picks has them, by their order, without their places in a run.
func (p *Pool) pickRows(ids *idList, result *selection.Result) func(order int) scores.Pick {
	pool := p.Pool
	columns := make([][]int8, len(result.Capabilities)) // the ratings for each capability of the result
	for i, c := range result.Capabilities {
		columns[i] = pool.Ratings[slices.Index(pool.Capabilities, c.Capability)]
	}
	return func(order int) scores.Pick {
		picked := result.Picks[order]
		row := scores.Pick{
			Order: order, ID: ids.at(picked.Sample), Index: int64(picked.Sample),
			Source: pool.SourceNames[pool.Source[picked.Sample]],
			Round:  int(picked.Round), Rank: int(picked.Rank), Rule: picked.Rule.String(),
		}
		if picked.Rated() {
			row.Capability, row.Bin = result.Capabilities[picked.Capability].Capability, result.Bins[picked.Bin]
			row.Style = strings.TrimSuffix(row.Bin, "+"+row.Source)
			row.Rating = &columns[picked.Capability][picked.Sample]
		}
		return row
	}
}

// WritePicks writes the picks of a pool that ReadPool read: as in picks.parquet, but for range and
// position, which are 0; index is the sample's place in the files read.
func WritePicks(ctx context.Context, w io.Writer, pool *Pool, result *selection.Result) error {
	ids, err := pool.idsOf(ctx, result.Samples())
	if err != nil {
		return err
	}
	return scores.WritePicks(w, len(result.Picks), pool.pickRows(ids, result))
}
