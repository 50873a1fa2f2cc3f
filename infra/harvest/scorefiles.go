package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/reference"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A fileResult is the final report of select --scores.
type fileResult struct {
	Samples  events.Counts `json:"samples"`
	Selected int           `json:"selected"`
	// Shortfall is the part of the budget that could not be filled, in the budget's unit: samples or tokens.
	Shortfall int                `json:"shortfall"`
	Outputs   fileOutputs        `json:"outputs"`
	Seconds   map[string]float64 `json:"seconds"`
	// Warnings are findings in the reference's score files that may surprise their user.
	Warnings []reference.Finding `json:"warnings,omitempty"`
	// Problem is the reason why nothing was selected, and the fix.
	Problem string `json:"problem,omitempty"`

	asked   selection.ResolvedRequest
	rows    []selection.Shortfall
	summary selection.Summary
	trade   []subset.TradeRow
	files   typedFiles // files that the flags name
	warn    io.Writer
}

// fileOutputs has the name of the written file: the subset of a manifest, or the picks of Parquet scores.
type fileOutputs struct {
	Subset string `json:"subset,omitempty"`
	Picks  string `json:"picks,omitempty"`
}

// selectSubset selects from score files and writes the subset, or the picks, to out. Warnings go to warn. If nothing
// can be selected, it writes no file, and the error has the reason.
func (f *scoreFileFlags) selectSubset(
	ctx context.Context, requests []selection.Request, typed typedFiles, out string, w, warn io.Writer, asJSON bool,
) error {
	if err := f.validate(requests, out); err != nil {
		return err
	}
	if err := makeOut(filepath.Dir(out)); err != nil {
		return err
	}
	start := time.Now()
	res := &fileResult{Seconds: map[string]float64{}, warn: warn, files: typed}
	var err error
	if f.parquet() {
		err = res.fromParquet(ctx, f.scores, requests[0], out)
	} else {
		err = res.fromReference(ctx, f.scores[0], f.manifest, requests[0], out)
	}
	_, nothing := errors.AsType[*failure](err)
	if err != nil && !nothing {
		return err
	}
	res.Seconds["total"] = time.Since(start).Seconds()
	if !nothing {
		warnOfShortfall(warn, res.asked, res.Shortfall, res.rows)
	}
	switch {
	case asJSON:
		return errors.Join(api.EncodeJSON(w, res), err)
	case nothing:
		return err
	}
	return res.print(w, f, out)
}

// print summarises the subset in out.
func (res *fileResult) print(w io.Writer, files *scoreFileFlags, out string) error {
	if err := printSummary(w, res.summary); err != nil {
		return err
	}
	if err := printShortfalls(w, res.Shortfall, res.rows); err != nil {
		return err
	}
	request := res.asked.AsRequest(res.summary.Capabilities())
	if err := printTrade(w, res.trade, request, files.command(out), res.files); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nselected %d of %s: %s\n", res.Selected, number(int(res.Samples.In), "sample"), out)
	return err
}

// choose selects from a pool and records the result. It sets the pool and the result in the parameter `nothing`. If no
// sample can be selected, the error is a *failure with the advice of `nothing`.
func (res *fileResult) choose(
	ctx context.Context, pool *subset.Pool, request selection.Request, nothing subset.Nothing,
) (*selection.Result, error) {
	start := time.Now()
	resolved, err := request.Resolve(pool.Pool.Len(), pool.Pool.Capabilities, pool.Pool.StyleNames)
	if err != nil {
		return nil, usageError{byFlags(spelling.Names(err))}
	}
	params, err := pool.Params(ctx, resolved)
	if err != nil {
		return nil, usageError{byFlags(spelling.Names(err))}
	}
	result, err := pool.Select(params)
	if err != nil {
		return nil, usageError{byFlags(spelling.Names(pool.Named(ctx, resolved, err)))}
	}
	res.Samples = count(pool)
	res.Selected, res.asked = len(result.Picks), resolved
	res.Shortfall, res.rows = result.Shortfall(), result.Shortfalls
	res.Seconds["select"] = time.Since(start).Seconds()
	start = time.Now()
	res.summary = pool.Summarize(result, request.Seed)
	if res.trade, err = pool.Trade(params, result); err != nil {
		return nil, err
	}
	res.Seconds["summary"] = time.Since(start).Seconds()
	nothing.Pool, nothing.Params, nothing.Result = pool, params, result
	if res.Selected > 0 && nothing.Rated() {
		return result, nil
	}
	res.Problem = byFlags(errors.New(nothing.Problem())).Error()
	return nil, &failure{res.Problem}
}

// count counts the samples of a pool by status. The reference's samples have no status, and count as scored.
func count(pool *subset.Pool) events.Counts {
	counts := events.Counts{In: int64(pool.Pool.Len())}
	for _, status := range pool.Status {
		switch status {
		case scores.Failed:
			counts.Failed++
		case scores.Skipped:
			counts.Skipped++
		case scores.OK:
		}
	}
	counts.Scored = counts.In - counts.Failed - counts.Skipped
	return counts
}

// fromReference selects from the files of the reference implementation.
func (res *fileResult) fromReference(
	ctx context.Context, folder, manifest string, request selection.Request, out string,
) error {
	start := time.Now()
	data, err := reference.Load(ctx, folder, manifest)
	if err != nil {
		return err
	}
	defer data.Close()
	res.Seconds["read"] = time.Since(start).Seconds()
	res.Warnings = data.Findings
	if err := printFindings(res.warn, data.Findings); err != nil {
		return err
	}
	catalog, err := selection.NewCatalog(data.Pool)
	if err != nil {
		return err
	}
	result, err := res.choose(ctx, &subset.Pool{Catalog: catalog}, request, subset.Nothing{
		Name:     func(i int) string { return fmt.Sprintf("item %d of %s", i+1, manifest) },
		Unrated:  unratedFiles(data.Findings),
		Unstyled: "write the styler's answers to style.jsonl, then give the same command",
	})
	if err != nil {
		return err
	}
	start = time.Now()
	res.Outputs.Subset = out
	err = writeNamed(out, func(w io.Writer) error { return data.Write(ctx, w, result.Samples()) })
	res.Seconds["write"] = time.Since(start).Seconds()
	return err
}

// fromParquet selects from Parquet files.
func (res *fileResult) fromParquet(
	ctx context.Context, patterns []string, request selection.Request, out string,
) error {
	start := time.Now()
	files, err := matchedFiles(patterns)
	if err != nil {
		return err
	}
	typed := strings.Join(patterns, " ")
	limit, err := memory.FindLimit()
	if err != nil {
		return err
	}
	data := make([][]byte, len(files))
	left := limit.Bytes / 2 // the pool needs the other half
	for i, name := range files {
		data[i], err = bucket.ReadWholeFile(name, left)
		if _, large := errors.AsType[*bucket.TooLargeError](err); large {
			return fmt.Errorf("--scores %s: %d files have more than %d bytes together, half of the available memory (%s): "+
				"name fewer files, or raise GOMEMLIMIT", typed, i+1, limit.Bytes/2, limit.Source)
		} else if err != nil {
			return err
		}
		left -= int64(len(data[i]))
	}
	if err := refuseCopies(files, data); err != nil {
		return err
	}
	if data, err = res.dropRepeated(files, data); err != nil {
		return err
	}
	pool, err := subset.ReadPool(ctx, data, request)
	if err != nil {
		return fmt.Errorf("reading %s: %w", typed, err)
	}
	res.Seconds["read"] = time.Since(start).Seconds()
	result, err := res.choose(ctx, pool, request, subset.Nothing{
		Name:     sampleByID(ctx, pool),
		Unrated:  "`harvest retry RUN` tries the failed samples of a run again",
		Unstyled: "score the samples with a scorer that knows styles",
	})
	if err != nil {
		return err
	}
	start = time.Now()
	res.Outputs.Picks = out
	err = writeNamed(out, func(w io.Writer) error { return subset.WritePicks(ctx, w, pool, result) })
	res.Seconds["write"] = time.Since(start).Seconds()
	return err
}

// sampleByID returns a function that names the sample at a position by its id, or by the position if the id cannot be
// read.
func sampleByID(ctx context.Context, pool *subset.Pool) func(int) string {
	return func(i int) string {
		id, err := pool.ID(ctx, i)
		if err != nil {
			return fmt.Sprintf("number %d", i+1)
		}
		return "sample " + id
	}
}
