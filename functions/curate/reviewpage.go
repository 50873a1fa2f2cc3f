package curate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/page/site"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
)

var (
	// reviewFields are the query parameters of a review's URL.
	reviewFields = []string{"reviewer", "pairs", "seed", "against"}
	// choiceFields are the fields of the form for a choice.
	choiceFields = append(reviewFields[:len(reviewFields):len(reviewFields)], "pair", "choice")
)

// reviewOf reads the review and the reviewer from the fields of a form or a URL. The reviewer is empty if no name is
// given. The error of an invalid field is a RefusedError. The page then shows its form again, with the reason.
func reviewOf(r *http.Request, fields url.Values) (request review.Request, reviewer string, err error) {
	request = review.Request{
		Run: r.PathValue("run"), A: r.PathValue("selection"), Against: fields.Get("against"), Pairs: review.DefaultPairs,
	}
	if text := fields.Get("pairs"); text != "" {
		pairs, err := wholeNumber("pairs", text, 1, review.MaxPairs)
		if err != nil {
			return request, "", err
		}
		request.Pairs = int(pairs)
	}
	if text := fields.Get("seed"); text != "" {
		if request.Seed, err = wholeNumber("seed", text, 0, math.MaxUint64); err != nil {
			return request, "", err
		}
	}
	if reviewer = fields.Get("reviewer"); reviewer != "" {
		if err := review.CheckReviewer(reviewer); err != nil {
			return request, "", &run.RefusedError{Reason: err.Error()}
		}
	}
	return request, reviewer, nil
}

// wholeNumber reads the number in a field. The error is a RefusedError unless the number is whole, and from least to
// most.
func wholeNumber(field, text string, least, most uint64) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || spelling.CheckWhole(text) != nil || n < least || n > most {
		return 0, &run.RefusedError{
			Reason: fmt.Sprintf("%s: %q is not a whole number from %d to %d", field, text, least, most),
		}
	}
	return n, nil
}

// reviewPage shows the form that begins a review, its next pair, or its result.
func (s server) reviewPage(r *http.Request) (answer, error) {
	sel, err := s.named(r)
	if err != nil {
		return answer{}, err
	}
	request, reviewer, err := reviewOf(r, r.URL.Query())
	view := site.Review{Dataset: sel.Dataset, Request: request, Reviewer: reviewer}
	if err == nil && reviewer != "" {
		err = s.fillReview(r.Context(), &view)
	}
	status := http.StatusOK
	if refused, ok := errors.AsType[*run.RefusedError](err); ok {
		view.Reviewer, view.Problem, status = "", refused.Error(), http.StatusUnprocessableEntity
	} else if err != nil {
		return answer{}, err
	}
	return s.show(view, status)
}

// fillReview adds the next pair for which the reviewer has no choice to the page. If every pair has a choice, it adds
// the report.
func (s server) fillReview(ctx context.Context, view *site.Review) error {
	pairs, err := s.pairs.Of(ctx, view.Request)
	if err != nil {
		return err
	}
	judged, err := s.reviews.Judged(ctx, view.Request, view.Reviewer)
	if err != nil {
		return err
	}
	view.Total, view.Done = len(pairs), len(judged)
	for _, pair := range pairs {
		if judged[pair.Number] {
			continue
		}
		view.Number, view.Capability = pair.Number, pair.Capability
		left, right, err := s.reviewed(ctx, view.Request.Run, pair)
		if err != nil {
			return err
		}
		view.Sides = append(view.Sides, site.NewReviewSide(review.Left, pair.Left, left),
			site.NewReviewSide(review.Right, pair.Right, right))
		return nil
	}
	verdicts, err := s.reviews.Verdicts(ctx, view.Request, view.Reviewer)
	if err != nil {
		return err
	}
	report := review.Summarize(verdicts)
	view.Report = &report
	return nil
}

// reviewed reads the samples of a pair.
func (s server) reviewed(
	ctx context.Context, runID string, pair review.Pair,
) (left, right *dataset.Sample, err error) {
	plan, err := s.runs.ScoredPlan(ctx, runID)
	if err != nil {
		return nil, nil, err
	}
	samples := map[int64]*dataset.Sample{}
	err = s.subsets.EachSample(ctx, plan, []int64{pair.Left, pair.Right}, func(index int64, sample *dataset.Sample) error {
		samples[index] = sample
		return nil
	})
	return samples[pair.Left], samples[pair.Right], err
}

// doReview stores the choice for a pair, and redirects to the next pair.
func (s server) doReview(r *http.Request) (answer, error) {
	typed, err := postedForm(r, choiceFields)
	if err != nil {
		return answer{}, err
	}
	ctx := r.Context()
	request, reviewer, err := reviewOf(r, typed)
	if err != nil {
		return answer{}, err
	}
	if err := review.CheckReviewer(reviewer); err != nil {
		return answer{}, &run.RefusedError{Reason: err.Error()}
	}
	choice, err := review.ParseChoice(typed.Get("choice"))
	if err != nil {
		return answer{}, &run.RefusedError{Reason: "choice: " + err.Error()}
	}
	pairs, err := s.pairs.Of(ctx, request)
	if err != nil {
		return answer{}, err
	}
	number, err := wholeNumber("pair", typed.Get("pair"), 1, uint64(len(pairs)))
	if err != nil {
		return answer{}, err
	}
	pair := pairs[number-1]
	left, right, err := s.reviewed(ctx, request.Run, pair)
	if err != nil {
		return answer{}, err
	}
	err = s.reviews.Add(ctx, review.Verdict{
		Request: request, Pair: pair, LeftID: left.ID, RightID: right.ID, Choice: choice, Reviewer: reviewer,
		At: time.Now().UTC(),
	})
	return seeOther(site.ReviewPath(request, reviewer)), err
}

// getReview answers with the choices of a reviewer as JSON lines, which `harvest review --report` reads.
func (s server) getReview(r *http.Request) (answer, error) {
	request, reviewer, err := reviewOf(r, r.URL.Query())
	if err != nil {
		return answer{}, err
	}
	if err := errors.Join(request.Check(), review.CheckReviewer(reviewer)); err != nil {
		return answer{}, &run.RefusedError{Reason: err.Error()}
	}
	for _, id := range []string{request.A, request.Against} {
		if id == "" {
			continue
		}
		if _, err := s.subsets.Find(r.Context(), request.Run, id); err != nil {
			return answer{}, err
		}
	}
	verdicts, err := s.reviews.Verdicts(r.Context(), request, reviewer)
	if err != nil {
		return answer{}, err
	}
	var lines bytes.Buffer
	err = review.WriteVerdicts(&lines, verdicts)
	return answer{status: http.StatusOK, body: file{
		contentType: "application/jsonl", content: lines.Bytes(), cache: "no-store",
	}}, err
}
