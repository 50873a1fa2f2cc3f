package subset

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// A Shown is a sample of a scored run with all that is known of it.
type Shown struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Place  dataset.Place `json:"place"`
	Status scores.Status `json:"status"`
	// Failure is why it was not scored, or cannot be selected, in words; FailureCode is its code.
	Failure     string      `json:"failure,omitempty"`
	FailureCode reason.Code `json:"failure_code,omitempty"`
	Source      string      `json:"source"`
	Styles      []string    `json:"styles,omitempty"` // the main one first
	OtherStyles []string    `json:"other_styles,omitempty"`
	Flags       []string    `json:"flags,omitempty"`
	Tokens      int         `json:"tokens"` // estimate
	Turns       int         `json:"turns"`  // of the human, that the scorer sees
	Images      int         `json:"images"` // that were read
	// Rated are its ratings, in the order of the rubric; none if it was not scored.
	Rated []Rated `json:"rated,omitempty"`
	// Record is the record as it stands in its manifest; as a text if it is no JSON.
	Record json.RawMessage `json:"record"`
}

// Show shows samples of a scored run by their names (dataset.Lookup), in the order given and each once. An unknown
// name, and a run that is not scored, is a *run.RefusedError. It reads the ids of all samples, and the scores and
// records of those named.
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
		return nil, &run.RefusedError{Reason: fmt.Sprintf("run %s is not scored yet (%s)", runID, status.State)}
	}
	named, err := r.samplesOf(plan).find(ctx, "id", ids)
	if err != nil {
		return nil, refusedName(err)
	}
	positions := union(named)
	all := make([]Shown, len(positions))
	for i, position := range positions {
		if all[i], err = r.show(ctx, plan, int64(position)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// indexName is a name that stands for the sample of an index.
var indexName = regexp.MustCompile(`^@(0|[1-9][0-9]{0,14})$`)

// IndexName names the sample with an index in the dataset: One finds it without reading the ids of all samples.
func IndexName(index int64) string { return fmt.Sprintf("@%d", index) }

// One finds one sample of a scored run by its name: @N is that of index N, as IndexName has it, and any other stands
// for the first of the samples that dataset.Lookup finds. A *run.RefusedError is that of a name of none.
func (r *Reader) One(ctx context.Context, runID, name string) (plan *run.Plan, index int64, err error) {
	if plan, err = r.runs.UsablePlan(ctx, runID); err != nil {
		return nil, 0, err
	}
	if scored, err := r.runs.Scored(ctx, runID); err != nil {
		return nil, 0, err
	} else if !scored {
		return nil, 0, fmt.Errorf("%w: %s", run.ErrNotScored, runID)
	}
	if m := indexName.FindStringSubmatch(name); m != nil {
		if index, err = strconv.ParseInt(m[1], 10, 64); err != nil || index >= plan.Samples {
			return nil, 0, &run.RefusedError{Reason: fmt.Sprintf("sample %s: the run has samples of the indexes 0 to %d",
				name, plan.Samples-1)}
		}
		return plan, index, nil
	}
	named, err := r.samplesOf(plan).find(ctx, "sample", []string{name})
	if err != nil {
		return nil, 0, refusedName(err)
	}
	return plan, int64(named[0][0]), nil
}

// ShowOne shows the sample of a scored run that One finds. It fails as Show does.
func (r *Reader) ShowOne(ctx context.Context, runID, name string) (*Shown, error) {
	plan, index, err := r.One(ctx, runID, name)
	if err != nil {
		return nil, err
	}
	shown, err := r.show(ctx, plan, index)
	return &shown, err
}

// EachSample reads the records of some samples of a run, by their indexes, each shard once, and calls use with each, in
// the order of the dataset. Of a range that is not cut it is bucket.ErrNotExist.
func (r *Reader) EachSample(
	ctx context.Context, plan *run.Plan, indexes []int64, use func(index int64, sample *dataset.Sample) error,
) error {
	rest := slices.Sorted(slices.Values(indexes))
	for rest = slices.Compact(rest); len(rest) > 0; {
		number := plan.RangeOf(rest[0])
		first := plan.Ranges[number].FirstIndex
		end := sort.Search(len(rest), func(i int) bool { return plan.RangeOf(rest[i]) != number })
		if err := r.eachOfRange(ctx, plan, number, first, rest[:end], use); err != nil {
			return err
		}
		rest = rest[end:]
	}
	return nil
}

// eachOfRange is EachSample of one range, whose first sample has the index first.
func (r *Reader) eachOfRange(
	ctx context.Context, plan *run.Plan, number int, first int64, rest []int64,
	use func(index int64, sample *dataset.Sample) error,
) error {
	report, err := r.runs.RangeReport(ctx, plan.Run, number)
	if err != nil {
		return r.runs.Lost(plan.Run, err)
	}
	parse, err := plan.Parser(number)
	if err != nil {
		return err
	}
	for shard, size := range report.Shards {
		next := first + int64(size)
		if len(rest) == 0 {
			return nil
		}
		if rest[0] >= next {
			first = next
			continue
		}
		for record, err := range r.runs.Records(ctx, plan.Run, report, shard) {
			if err != nil {
				return err
			}
			if first == rest[0] {
				record.Raw = slices.Clone(record.Raw) // it may be used while the next one is read
				if err := use(first, record.Sample(parse)); err != nil {
					return err
				}
				rest = rest[1:]
			}
			if first++; len(rest) == 0 || rest[0] >= next {
				break
			}
		}
		first = next
	}
	return nil
}

func (r *Reader) show(ctx context.Context, plan *run.Plan, index int64) (Shown, error) {
	number := plan.RangeOf(index)
	table, err := r.runs.Scores(ctx, plan.Run, number)
	if err != nil {
		return Shown{}, r.runs.Lost(plan.Run, err)
	}
	position := int(index - plan.Ranges[number].FirstIndex)
	rec := &table.Records[position]
	record, err := r.recordAt(ctx, plan, number, position)
	if err != nil {
		return Shown{}, err
	}
	raw := json.RawMessage(record.Raw)
	if !json.Valid(raw) {
		if raw, err = json.Marshal(string(record.Raw)); err != nil {
			return Shown{}, err
		}
	}
	return Shown{
		ID: rec.ID, Index: index, Place: record.Place, Status: rec.Status, Failure: rec.Reason, FailureCode: rec.Code,
		Source: rec.Source, Styles: rec.Styles, OtherStyles: rec.OtherStyles, Flags: rec.Flags, Tokens: rec.Tokens,
		Turns: rec.Turns, Images: len(rec.Images), Rated: ratedOn(table.Capabilities, rec), Record: raw,
	}, nil
}

// recordAt reads the record at a position of a range.
func (r *Reader) recordAt(ctx context.Context, plan *run.Plan, number, position int) (dataset.Record, error) {
	report, err := r.runs.RangeReport(ctx, plan.Run, number)
	if err != nil {
		return dataset.Record{}, r.runs.Lost(plan.Run, err)
	}
	shard := 0
	for position >= report.Shards[shard] {
		position -= report.Shards[shard]
		shard++
	}
	for record, err := range r.runs.Records(ctx, plan.Run, report, shard) {
		if err != nil {
			return dataset.Record{}, err
		}
		if position == 0 {
			record.Raw = slices.Clone(record.Raw)
			return record, nil
		}
		position--
	}
	return dataset.Record{}, r.runs.Lost(plan.Run, fmt.Errorf("shard %d of range %d: %w", shard, number,
		bucket.ErrDamaged))
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
