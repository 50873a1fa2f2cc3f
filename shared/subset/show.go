package subset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A Shown is a sample of a scored run, with its scores and record.
type Shown struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Place  dataset.Place `json:"place"`
	Status scores.Status `json:"status"`
	// Failure is the reason, as a text, why the sample was not scored or cannot be selected. FailureCode is the code of
	// this reason.
	Failure     string      `json:"failure,omitempty"`
	FailureCode reason.Code `json:"failure_code,omitempty"`
	Source      string      `json:"source"`
	Styles      []string    `json:"styles,omitempty"` // the main style first
	OtherStyles []string    `json:"other_styles,omitempty"`
	Flags       []string    `json:"flags,omitempty"`
	// Tokens is the number of tokens of the sample's texts, with 730 for each image. AnswerTokens is the number of tokens
	// of the model's turns.
	Tokens       int `json:"tokens"`
	AnswerTokens int `json:"answer_tokens"`
	Turns        int `json:"turns"`  // number of human turns that the scorer reads
	Images       int `json:"images"` // number of images that were read
	// Rated are the sample's ratings, in the order of the rubric; nil if it was not scored.
	Rated []Rated `json:"rated,omitempty"`
	// Cluster describes the sample's near duplicates; nil if it has none, or if they were not searched for.
	Cluster *Cluster `json:"cluster,omitempty"`
	// Record is the record in the manifest. A record that is not JSON is a JSON string.
	Record json.RawMessage `json:"record"`
}

// Show returns samples of a scored run by their names (dataset.Lookup), in the given order and each once. The error is
// a *run.RefusedError if a name is unknown, or if the run is not scored. Show reads the ids of all samples, but only
// the scores and records of the named samples.
func (r *Reader) Show(ctx context.Context, runID string, ids []string) ([]Shown, error) {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	status, err := r.runs.Status(ctx, runID)
	if err != nil {
		return nil, err
	}
	if !status.IsScored() {
		return nil, &run.RefusedError{Reason: fmt.Sprintf("run %s is not scored yet (%s); wait until it is scored, or "+
			"continue it: harvest resume %s", runID, status.State, runID)}
	}
	named, err := r.samplesOf(plan).find(ctx, "id", ids)
	if err != nil {
		return nil, refusedName(err)
	}
	positions := union(named)
	records, err := r.recordsAt(ctx, plan, positions)
	if err != nil {
		return nil, err
	}
	all := make([]Shown, len(positions))
	for i, position := range positions {
		if all[i], err = r.show(ctx, plan, int64(position), records[position]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// indexName matches a name that stands for the sample with an index.
var indexName = regexp.MustCompile(`^@(0|[1-9][0-9]{0,14})$`)

// IndexName returns the name @N of the sample with index N in the dataset.
func IndexName(index int64) string { return fmt.Sprintf("@%d", index) }

// ParseIndexName returns the index in a name that IndexName returned. ok is false for any other name.
func ParseIndexName(name string) (index int64, ok bool) {
	m := indexName.FindStringSubmatch(name)
	if m == nil {
		return 0, false
	}
	index, err := strconv.ParseInt(m[1], 10, 64)
	return index, err == nil
}

// Addressed finds one sample of a scored run by its name in a URL. In a URL, @N always stands for the sample with index
// N (see IndexName), even if @N is an id. So links of pages work, and no id must be read. Other names have the same
// meaning as for One.
func (r *Reader) Addressed(ctx context.Context, runID, name string) (plan *run.Plan, index int64, err error) {
	index, ok := ParseIndexName(name)
	if !ok {
		return r.One(ctx, runID, name)
	}
	if plan, err = r.runs.ScoredPlan(ctx, runID); err != nil {
		return nil, 0, err
	}
	if index >= plan.Samples {
		return nil, 0, noSample("the run has no sample %s; its indexes are 0 to %d", name, plan.Samples-1)
	}
	return plan, index, nil
}

// One finds one sample of a scored run by a name that a person typed: the first match of dataset.Lookup or, if there is
// none, the sample with index N for @N. The error of an unknown name is a *run.RefusedError that wraps ErrNoSample.
func (r *Reader) One(ctx context.Context, runID, name string) (plan *run.Plan, index int64, err error) {
	if plan, err = r.runs.ScoredPlan(ctx, runID); err != nil {
		return nil, 0, err
	}
	named, err := r.samplesOf(plan).find(ctx, "sample", []string{name})
	if err != nil {
		if _, unknown := errors.AsType[*nameError](err); unknown {
			err = noSample("the run has no sample %q", name)
		}
		return nil, 0, err
	}
	return plan, int64(named[0][0]), nil
}

// ShowOne shows the sample of a scored run that Addressed finds. Its errors are those of Show.
func (r *Reader) ShowOne(ctx context.Context, runID, name string) (*Shown, error) {
	plan, index, err := r.Addressed(ctx, runID, name)
	if err != nil {
		return nil, err
	}
	shown, _, err := r.ShowAt(ctx, plan, index)
	return shown, err
}

// ShowAt shows the sample that One or Addressed found, and returns its record.
func (r *Reader) ShowAt(ctx context.Context, plan *run.Plan, index int64) (*Shown, dataset.Record, error) {
	records, err := r.recordsAt(ctx, plan, []uint32{uint32(index)})
	if err != nil {
		return nil, dataset.Record{}, err
	}
	record := records[uint32(index)]
	shown, err := r.show(ctx, plan, index, record)
	return &shown, record, err
}

func (r *Reader) show(ctx context.Context, plan *run.Plan, index int64, record dataset.Record) (Shown, error) {
	number := plan.RangeOf(index)
	table, err := r.runs.Scores(ctx, plan.Run, number)
	if err != nil {
		return Shown{}, r.runs.Lost(plan.Run, err)
	}
	rec := &table.Records[index-plan.Ranges[number].FirstIndex]
	raw := json.RawMessage(record.Raw)
	if !json.Valid(raw) {
		if raw, err = json.Marshal(string(record.Raw)); err != nil {
			return Shown{}, err
		}
	}
	tokens, err := rec.TrainingTokens(selection.VisualTokens{})
	if err != nil {
		return Shown{}, r.runs.Lost(plan.Run, err)
	}
	clusters, err := r.Clusters(ctx, plan)
	if err != nil {
		return Shown{}, err
	}
	return Shown{
		ID: rec.ID, Index: index, Place: record.Place, Status: rec.Status, Failure: rec.Reason, FailureCode: rec.Code,
		Source: rec.Source, Styles: rec.Styles, OtherStyles: rec.OtherStyles, Flags: rec.Flags,
		Tokens: tokens, AnswerTokens: rec.Tokens.Answers, Turns: rec.Turns, Images: len(rec.Images),
		Rated: ratedOn(table.Capabilities, rec), Cluster: clusters.Of(index), Record: raw,
	}, nil
}

// recordsAt reads the records at positions of the dataset, each once.
func (r *Reader) recordsAt(
	ctx context.Context, plan *run.Plan, positions []uint32,
) (map[uint32]dataset.Record, error) {
	records := make(map[uint32]dataset.Record, len(positions))
	indexes := make([]int64, len(positions))
	for i, position := range positions {
		indexes[i] = int64(position)
	}
	err := r.eachRecord(ctx, plan, indexes, func(index int64, record dataset.Record) error {
		records[uint32(index)] = record
		return nil
	})
	return records, err
}

// EachSample reads the samples at some indexes of a run's dataset, in ascending order and each once, and calls use with
// each. If a range is not cut yet, the error is bucket.ErrNotExist.
func (r *Reader) EachSample(
	ctx context.Context, plan *run.Plan, indexes []int64, use func(index int64, sample *dataset.Sample) error,
) error {
	parser, parsed := -1, dataset.Parser(nil)
	return r.eachRecord(ctx, plan, indexes, func(index int64, record dataset.Record) (err error) {
		if number := plan.RangeOf(index); number != parser {
			if parsed, err = plan.Parser(number); err != nil {
				return err
			}
			parser = number
		}
		return use(index, record.Sample(parsed))
	})
}

// eachRecord does the same as EachSample, but does not parse the records. use may keep a record. Each shard with a
// requested record is read once.
func (r *Reader) eachRecord(
	ctx context.Context, plan *run.Plan, indexes []int64, use func(index int64, record dataset.Record) error,
) error {
	for rest := slices.Compact(slices.Sorted(slices.Values(indexes))); len(rest) > 0; {
		number := plan.RangeOf(rest[0])
		report, err := r.runs.RangeReport(ctx, plan.Run, number)
		if err != nil {
			return r.runs.Lost(plan.Run, err)
		}
		at, shard := plan.Ranges[number].FirstIndex, 0 // at is the index of the shard's first sample
		for rest[0] >= at+int64(report.Shards[shard]) {
			at += int64(report.Shards[shard])
			shard++
		}
		end := at + int64(report.Shards[shard])
		for record, err := range r.runs.Records(ctx, plan.Run, report, shard) {
			if err != nil {
				return err
			}
			if at == rest[0] {
				record.Raw = slices.Clone(record.Raw)
				if err := use(at, record); err != nil {
					return err
				}
				rest = rest[1:]
			}
			if at++; len(rest) == 0 || rest[0] >= end {
				break
			}
		}
		if len(rest) > 0 && rest[0] < end {
			return r.runs.Lost(plan.Run, fmt.Errorf("shard %d of range %d: %w", shard, number, bucket.ErrDamaged))
		}
	}
	return nil
}

// CopyScores copies the score table of a range of a scored run to w.
func (r *Reader) CopyScores(ctx context.Context, runID string, number int, w io.Writer) error {
	body, err := r.work.Open(ctx, run.RangeScoresName(runID, number), 0, 0, -1)
	if err != nil {
		return r.runs.Lost(runID, err)
	}
	defer body.Close()
	_, err = io.Copy(w, body)
	return err
}
