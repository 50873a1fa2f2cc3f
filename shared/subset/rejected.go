package subset

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A Rejected is a line of rejected.jsonl, with the reason why a sample is not in the subset.
type Rejected struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Status scores.Status `json:"status"`
	Code   reason.Code   `json:"reason_code"`
	Reason string        `json:"reason"` // the reason as a text
	// Nearest is the near miss of an outranked sample. Ratings are the sample's ratings, in the order of the rubric's
	// capabilities; null for a missing rating.
	Nearest *NearMiss `json:"nearest,omitempty"`
	// NearTo is an item or a sample that is near to this sample, and because of which this sample was left out.
	NearTo  *NearTo    `json:"near_to,omitempty"`
	Ratings RatingList `json:"ratings,omitempty"`
	// Place is the place of the record of a sample that was not scored, so that its author can fix it.
	Place *dataset.Place `json:"place,omitempty"`
}

// newRejected returns the line of the sample at an index of the dataset. place is the place of its record, and code is
// the reason why the selection did not take the sample.
func newRejected(
	index int64, place dataset.Place, rec *scores.Outcome, code reason.Code, details reasonDetails,
) Rejected {
	line := Rejected{ID: rec.ID, Index: index, Status: rec.Status}
	line.Code, line.Reason = rejection(rec, code)
	if line.Code == reason.Code(selection.ReasonColumn) {
		line.Reason = details.unfulfilled
	}
	if line.NearTo = details.near.of(index, line.Code); line.NearTo != nil {
		line.Reason = line.Code.Text(line.NearTo.String())
	}
	if notScored(rec) {
		line.Place = &place
	}
	return line
}

// A reasonDetails has details for the reasons why a selection did not take samples.
type reasonDetails struct {
	unfulfilled string // the reason of samples that do not fulfil its conditions
	near        nearSamples
}

func (r *Reader) reasonDetails(ctx context.Context, sel *Selection) (reasonDetails, error) {
	near, err := r.nearTo(ctx, sel)
	code := reason.Code(selection.ReasonColumn)
	return reasonDetails{code.Text(Unfulfilled(sel.Parameters.Request.Where)), near}, err
}

// leftSamples has the data for the lines about a range's rejected samples.
type leftSamples struct {
	outcomes     []scores.Outcome
	columns      *scores.Columns
	misses       rangeMisses
	capabilities []selection.CapabilityResult // of the selection
	details      reasonDetails
	outranked    string            // beginning of the reason of a sample with a near miss
	bins         map[uint64]string // names by style and source
	// Memory of the current line.
	nearest NearMiss
	ratings RatingList
	text    []byte
}

// leftSamples reads the samples of a range.
func (r *Reader) leftSamples(
	ctx context.Context, plan *run.Plan, sel *Selection, number int,
) (*run.RangeReport, *leftSamples, error) {
	report, err := r.runs.RangeReport(ctx, plan.Run, number)
	if err != nil {
		return nil, nil, r.runs.Lost(plan.Run, err)
	}
	left := &leftSamples{
		capabilities: sel.Capabilities,
		outranked:    reason.Code(selection.ReasonRank).Phrase() + ": ",
		bins:         map[uint64]string{},
	}
	if left.misses, err = r.misses(ctx, plan, sel.ID, number); err != nil {
		return nil, nil, err
	}
	if left.details, err = r.reasonDetails(ctx, sel); err != nil {
		return nil, nil, err
	}
	err = r.runs.ReadScores(ctx, plan, number, func(file []byte) (int, error) {
		if left.outcomes, err = scores.ReadOutcomes(bytes.NewReader(file), int64(len(file))); err != nil {
			return 0, err
		}
		left.columns, err = scores.ReadRatings(bytes.NewReader(file), int64(len(file)))
		return len(left.outcomes), err
	})
	for position := 0; err == nil && position < len(left.outcomes); position++ {
		start := left.columns.StyleStart
		err = left.misses.check(r, plan, sel.ID, position, int(start[position+1])-int(start[position]))
	}
	return report, left, err
}

// line returns the line of a sample, by its index in the dataset and its position in the range. place is the place of
// its record, and code is the reason why the selection did not take the sample. The line is valid until the next call.
func (l *leftSamples) line(index int64, position int, place dataset.Place, code reason.Code) Rejected {
	line := newRejected(index, place, &l.outcomes[position], code, l.details)
	columns := l.columns
	miss, outranked := l.misses.at(position, l.capabilities, func(i int) string {
		return l.bin(columns.Style[int(columns.StyleStart[position])+i], columns.Source[position])
	})
	if !outranked {
		return line
	}
	l.nearest = miss
	line.Nearest = &l.nearest
	l.text = miss.appendText(append(l.text[:0], l.outranked...))
	line.Reason = string(l.text)
	line.Ratings = l.ratings[:0]
	for _, ratings := range columns.Ratings {
		line.Ratings = append(line.Ratings, ratings[position])
	}
	l.ratings = line.Ratings
	return line
}

// bin returns the name of a bin.
func (l *leftSamples) bin(style, source uint32) string {
	at := uint64(style)<<32 | uint64(source)
	name, known := l.bins[at]
	if !known {
		name = l.columns.StyleNames[style] + "+" + l.columns.SourceNames[source]
		l.bins[at] = name
	}
	return name
}

// A RatingList is a list of ratings. In JSON a missing rating (scorer.Missing) is null.
type RatingList []int8

// MarshalJSON writes an array.
func (l RatingList) MarshalJSON() ([]byte, error) {
	return l.appendJSON(make([]byte, 0, 2+3*len(l))), nil
}

func (l RatingList) appendJSON(text []byte) []byte {
	text = append(text, '[')
	for i, rating := range l {
		if i > 0 {
			text = append(text, ',')
		}
		if rating == scorer.Missing {
			text = append(text, "null"...)
		} else {
			text = strconv.AppendInt(text, int64(rating), 10)
		}
	}
	return append(text, ']')
}

// UnmarshalJSON reads the array that MarshalJSON writes.
func (l *RatingList) UnmarshalJSON(text []byte) error {
	var all []*int8
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	*l = make(RatingList, len(all))
	for i, rating := range all {
		if (*l)[i] = scorer.Missing; rating != nil {
			(*l)[i] = *rating
		}
	}
	return nil
}

// known returns a pointer to a rating; nil if the rating is missing.
func known(rating int8) *int8 {
	if rating == scorer.Missing {
		return nil
	}
	return &rating
}

// notScored reports whether a sample failed or was skipped.
func notScored(rec *scores.Outcome) bool { return rec.Status != scores.OK }

// WriteRejected writes a Rejected line for each sample of a failed selection, which took no sample. If id is empty, it
// writes only the samples of the run that were not scored. It reads no records.
func (r *Reader) WriteRejected(ctx context.Context, runID, id string, w io.Writer) error {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return err
	}
	var reasons *scores.Reasons
	var details reasonDetails
	if id != "" {
		sel, err := r.Selection(ctx, runID, id)
		if err != nil {
			return err
		}
		if details, err = r.reasonDetails(ctx, sel); err != nil {
			return err
		}
		if reasons, err = r.reasons(ctx, plan, id); err != nil {
			return err
		}
	}
	var text []byte
	for number, rng := range plan.Ranges {
		places, records, err := r.failures(ctx, plan, number)
		if err != nil {
			return err
		}
		for i := range records {
			index := rng.FirstIndex + int64(i)
			var code reason.Code
			if id != "" {
				code = reason.Code(reasons.At(int(index)))
			} else if !notScored(&records[i]) {
				continue
			}
			line := newRejected(index, places[i], &records[i], code, details)
			if text, err = line.appendLine(text); err != nil {
				return err
			}
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		text = text[:0]
	}
	return nil
}

// failures returns the outcomes of the samples of a range, and the places of the samples that were not scored, by
// position.
func (r *Reader) failures(
	ctx context.Context, plan *run.Plan, number int,
) (map[int]dataset.Place, []scores.Outcome, error) {
	report, records, err := r.rangeOutcomes(ctx, plan, number)
	if err != nil {
		return nil, nil, err
	}
	failed, position := map[int]dataset.Place{}, 0
	for shard, size := range report.Shards {
		var places []dataset.Place // of the shard; read at its first failed sample
		for i := range size {
			if !notScored(&records[position+i]) {
				continue
			}
			if places == nil {
				if places, err = r.runs.Places(ctx, plan.Run, report, shard); err != nil {
					return nil, nil, err
				}
			}
			failed[position+i] = places[i]
		}
		position += size
	}
	return failed, records, nil
}

// rangeOutcomes returns the report of a range and the outcomes of its samples, in order.
func (r *Reader) rangeOutcomes(
	ctx context.Context, plan *run.Plan, number int,
) (*run.RangeReport, []scores.Outcome, error) {
	report, err := r.runs.RangeReport(ctx, plan.Run, number)
	if err != nil {
		return nil, nil, r.runs.Lost(plan.Run, err)
	}
	var outcomes []scores.Outcome
	err = r.runs.ReadScores(ctx, plan, number, func(file []byte) (int, error) {
		outcomes, err = scores.ReadOutcomes(bytes.NewReader(file), int64(len(file)))
		return len(outcomes), err
	})
	return report, outcomes, err
}

// rejection returns the code and the text of the reason why a sample was not scored, or why this selection did not pick
// it.
func rejection(rec *scores.Outcome, code reason.Code) (reason.Code, string) {
	if rec.Code != "" {
		return rec.Code, rec.Reason
	}
	return code, code.Text(code.Meaning())
}
