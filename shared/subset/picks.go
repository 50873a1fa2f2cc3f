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

// A choice is a result with its parameters.
type choice struct {
	asked  selection.Params // as requested
	params selection.Params // with the picks of smaller budgets as must-includes
	result *selection.Result
}

// apply selects from the pool. near has the positions of samples that are left out because they are near to evaluation
// sets. The error is a *run.RefusedError if the request is invalid.
func (p *Pool) apply(ctx context.Context, request selection.ResolvedRequest, near []uint32) (*choice, error) {
	asked, err := p.Params(ctx, request)
	asked.Near = near
	if _, named := errors.AsType[*nameError](err); err != nil && !named {
		return nil, err
	}
	var chosen *choice
	if err == nil {
		chosen, err = p.selectBy(asked, request.Within)
		err = p.Named(ctx, request, err)
	}
	if err != nil {
		return nil, &run.RefusedError{Reason: spelling.Names(err).Error()}
	}
	return chosen, nil
}

// selectBy selects from the pool. If within has smaller budgets, it makes their selections first.
func (p *Pool) selectBy(asked selection.Params, within []int) (*choice, error) {
	if len(within) == 0 {
		result, err := p.Select(asked)
		return &choice{asked, asked, result}, err
	}
	results, err := p.SelectNested(asked, append(slices.Clone(within), asked.Budget)...)
	if err != nil {
		return nil, err
	}
	params := asked
	params.Include = append(slices.Clone(asked.Include), results[len(results)-2].Samples()...)
	return &choice{asked, params, results[len(results)-1]}, nil
}

// pickRows returns the rows of a file of picks, in the order of picking, without places in a run.
func (p *Pool) pickRows(ids *idList, result *selection.Result) func(order int) scores.Pick {
	pool := p.Pool
	columns := make([][]int8, len(result.Capabilities)) // ratings by capability
	for i, c := range result.Capabilities {
		columns[i] = pool.Ratings[slices.Index(pool.Capabilities, c.Capability)]
	}
	return func(order int) scores.Pick {
		picked := result.Picks[order]
		row := scores.Pick{
			Order: order, ID: ids.at(order), Index: int64(picked.Sample),
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

// WritePicks writes the picks from a pool of ReadPool. The file has the columns of picks.parquet, but range and
// position are 0, and index is the sample's position in the files of scores.
func WritePicks(ctx context.Context, w io.Writer, pool *Pool, result *selection.Result) error {
	ids, err := pool.idsOf(ctx, result.Samples())
	if err != nil {
		return err
	}
	return scores.WritePicks(w, len(result.Picks), pool.pickRows(ids, result))
}
